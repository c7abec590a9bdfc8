import {
  DATA_HEADER_BYTES,
  INBOUND_MESSAGE_BYTES,
  MESSAGE_BYTES,
  REPAIR_HEADER_BYTES,
  SYMBOL_HEADER_BYTES,
} from "@meshstream/wasm-core";
import { RECORD_HEADER_BYTES } from "../mdp2/record.ts";

/** Everything that can grow in the attach protocol (docs/wire.md W12), with what it costs at worst. */
export const AttachLimit = {
  /** Longest packet that a client sends, a repair, in bytes (docs/wire.md W13). Every node lends at least this much. */
  SENT_PACKET_BYTES: REPAIR_HEADER_BYTES + SYMBOL_HEADER_BYTES + MESSAGE_BYTES,
  /** Longest record either way, in bytes: a received packet, or the JSON of one answer. A side keeps one incomplete record. */
  RECORD_BYTES: RECORD_HEADER_BYTES + DATA_HEADER_BYTES + INBOUND_MESSAGE_BYTES,
  /** Unsent bytes above which a side drops data records: 256 KiB for each client, in either process. */
  PENDING_DATA_BYTES: 256 * 1024,
  /** Unsent bytes above which the holder gives a client up that asks and does not read: 1 MiB for each client. */
  PENDING_BYTES: 1024 * 1024,
  /** Ports that one client may have bound, those of remembered connections too: about 2 MiB of the holder's memory. */
  BINDINGS: 8192,
  /** Records of one answer to a management request: about 4 MiB of the client's memory. */
  ANSWER_RECORDS: 4096,
  /** Routes that a client takes in, which is more than a node has: about 15 MiB of the client's memory, on demand. */
  ROUTES: 32_768,
  /** SIDs that each side keeps interned: about 1 MiB. */
  SIDS: 4096,
} as const;
