import { readFileSync } from "node:fs";

/** A file of test/vectors, as its README describes. */
export interface VectorFile {
  readonly description: string;
  readonly identities: readonly {
    readonly name: string;
    readonly signSeed: string;
    readonly signPublic: string;
    readonly sid: string;
    readonly boxSecret: string;
  }[];
  readonly packets: readonly {
    readonly time: number;
    readonly from: string;
    readonly to: string;
    readonly datagram: string;
    readonly decoded: { readonly frames: readonly Record<string, unknown>[] } & Record<string, unknown>;
  }[];
}

export const VECTOR_NAMES = ["two-nodes", "three-nodes-at-A", "three-nodes-at-C", "msp-both-ways"] as const;

export function readVectors(name: (typeof VECTOR_NAMES)[number]): VectorFile {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
