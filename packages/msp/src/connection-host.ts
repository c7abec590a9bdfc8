import type { Core } from "@meshstream/wasm-core";
import type { MspConfig } from "./config.ts";
import type { Connection } from "./connection.ts";
import type { Counters } from "./counters.ts";

/** What a connection needs of the endpoint that holds it. */
export interface ConnectionHost<Path> {
  readonly core: Core;
  readonly config: MspConfig;
  /** See SealedTransport. */
  readonly isThroughDaemon: boolean;
  readonly counters: Counters;
  readonly nowMs: number;
  /** The connection may have something to send or to say: poll it. */
  wake(connection: Connection<Path>): void;
}
