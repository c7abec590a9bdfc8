import { TokenBucket } from "@meshstream/msp";
import { BROADCAST_ID_BYTES } from "./frame.ts";
import { Limit } from "./limits.ts";
import type { NeighbourNode } from "./neighbours.ts";

/**
 * The random ids of the broadcasts that were heard, so that each is taken once (docs/wire.md W8.7). Anyone can invent ids:
 * a neighbour may bring 20 new ones a second. Worst-case memory: {@link Limit}.BROADCAST_IDS, the oldest go first.
 */
export class BroadcastIds {
  readonly #ids = new Set<string>();
  readonly #newOnes = new WeakMap<NeighbourNode, TokenBucket>();

  /** Take in the id at `offset` of `bytes`, brought by `from`. */
  note(bytes: Uint8Array, offset: number, from: NeighbourNode, nowMs: number): "new" | "copy" | "limit" {
    const id = bytes.subarray(offset, offset + BROADCAST_ID_BYTES).join();
    if (this.#ids.has(id)) return "copy";
    let bucket = this.#newOnes.get(from);
    if (bucket === undefined) {
      bucket = new TokenBucket(NEW_PER_SECOND, NEW_PER_SECOND);
      this.#newOnes.set(from, bucket);
    }
    if (!bucket.take(nowMs)) return "limit";
    if (this.#ids.size >= Limit.BROADCAST_IDS) {
      for (const oldest of this.#ids) {
        this.#ids.delete(oldest);
        break;
      }
    }
    this.#ids.add(id);
    return "new";
  }
}

const NEW_PER_SECOND = 20;
