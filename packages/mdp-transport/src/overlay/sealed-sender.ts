import { type Core, TRANSMIT_HEADROOM } from "@meshstream/wasm-core";
import { wholeAddress } from "./address.ts";
import type { BookEntry } from "./address-book.ts";
import type { Counters } from "./counters.ts";
import { Encapsulation } from "./envelope.ts";
import { encodeFrameHead, FrameFlag, type FrameToWrite, frameHeadBytes, Queue } from "./frame.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { Neighbour } from "./neighbours.ts";
import type { NonceSource } from "./nonce.ts";
import type { Paths } from "./paths.ts";
import { encodePorts, portsBytes } from "./ports.ts";
import { SEAL_BYTES, type SealProvider } from "./seal.ts";
import type { SharedKeys } from "./shared-keys.ts";

/**
 * Sends messages to other nodes, always ciphered and authenticated: there is no way to ask for less (docs/wire.md W3).
 * The message lies at its fixed place in the core's transmit region; ports, MAC, nonce, frame head and envelope
 * are put before it, and the packet goes out from where it lies.
 */
export class SealedSender {
  readonly #core: Core;
  readonly #provider: SealProvider;
  readonly #keys: SharedKeys;
  readonly #nonces: NonceSource;
  readonly #paths: Paths;
  readonly #frames: FrameSender;
  readonly #counters: Counters;

  constructor(parts: {
    core: Core;
    provider: SealProvider;
    keys: SharedKeys;
    nonces: NonceSource;
    paths: Paths;
    frames: FrameSender;
    counters: Counters;
  }) {
    this.#core = parts.core;
    this.#provider = parts.provider;
    this.#keys = parts.keys;
    this.#nonces = parts.nonces;
    this.#paths = parts.paths;
    this.#frames = parts.frames;
    this.#counters = parts.counters;
  }

  /** Send the message of `length` bytes in the transmit region. Returns false, and counts, if it is dropped here. */
  send(
    from: BookEntry,
    fromPort: number,
    to: BookEntry,
    toPort: number,
    length: number,
    nowMs: number,
  ): boolean {
    const neighbour = this.#paths.to(to);
    if (neighbour === undefined) {
      this.#counters["no-route"]++;
      return false;
    }
    const key = this.#keys.key(from.ownIndex, to, nowMs);
    if (typeof key === "string") {
      this.#counters[key]++;
      return false;
    }
    const { bytes, transmitRegion } = this.#core;
    const messageOffset = transmitRegion.offset + TRANSMIT_HEADROOM;
    const plainOffset = messageOffset - portsBytes(fromPort, toPort);
    const sealedOffset = plainOffset - SEAL_BYTES;
    const end = messageOffset + length;

    const frame = sealedFrame(from, to, neighbour);
    const frameOffset = sealedOffset - frameHeadBytes(frame, Encapsulation.MANY);
    encodeFrameHead(bytes, frameOffset, frame, Encapsulation.MANY, end - sealedOffset);
    this.#nonces.writeNext(bytes, sealedOffset);
    encodePorts(bytes, plainOffset, fromPort, toPort);
    this.#provider.seal(key, bytes, plainOffset, end - plainOffset);
    const queue = frame.queue ?? Queue.ORDINARY;
    const encoded = { bytes, offset: frameOffset, payloadOffset: sealedOffset, end, queue };
    if (!this.#frames.offer(neighbour, encoded, nowMs)) return false;
    this.#counters["messages-sent"]++;
    return true;
  }
}

/**
 * A frame over a relay asks each hop to repeat it: what is lost on one of several links need not cross them all again.
 * To a neighbour there is only the one link, and MSP repairs it as fast (docs/wire.md W11).
 */
function sealedFrame(from: BookEntry, to: BookEntry, neighbour: Neighbour): FrameToWrite {
  const senderSame = from.ownIndex === 0;
  const direct = to === neighbour.node.entry;
  return {
    flags:
      FrameFlag.CIPHERED |
      FrameFlag.SIGNED |
      (senderSame ? FrameFlag.SENDER_SAME : 0) |
      (direct ? FrameFlag.ONE_HOP : FrameFlag.ACK_SOON),
    source: senderSame ? undefined : wholeAddress(from.sid.bytes),
    // A node always knows itself; anyone else is named in full.
    destination: direct ? neighbour.node.shortAddress : wholeAddress(to.sid.bytes),
    nextHop: direct ? undefined : neighbour.node.shortAddress,
    queue: Queue.ORDINARY,
    sequence: neighbour.node.nextFrameSequence(),
  };
}
