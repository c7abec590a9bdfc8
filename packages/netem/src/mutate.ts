import type { MutationKind } from "./link.ts";
import type { Random } from "./random.ts";

/** A copy with 1 to 4 neighbouring bytes changed, each for certain. Of no bytes: an empty copy. */
export function corruptBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  if (copy.length === 0) return copy;
  const first = random.below(copy.length);
  const last = Math.min(first + random.below(4), copy.length - 1);
  for (let i = first; i <= last; i++) copy[i]! ^= 1 + random.below(255);
  return copy;
}

/** A copy of the first 0..length-1 bytes. Of no bytes: an empty copy. */
export function truncateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, bytes.length === 0 ? 0 : random.below(bytes.length));
}

/** The `mutate` of a link whose packets are bytes. */
export function mutateBytes(bytes: Uint8Array, kind: MutationKind, random: Random): Uint8Array {
  return kind === "corrupt" ? corruptBytes(bytes, random) : truncateBytes(bytes, random);
}
