import { describe, it } from "node:test";
import type { SealedTransport } from "@meshstream/msp";
import { describeConformance, type TransportPair } from "../../src/conformance.ts";
import { AttachRig } from "./rig.ts";

const whole = { cut: () => Number.POSITIVE_INFINITY };
const crumbs = { cut: (index: number) => 1 + ((index * 7) % 50) };

describeConformance("attached to two nodes", () => pairOf(twoNodes), { describe, it });
describeConformance("two attached to one node", () => pairOf(oneNode), { describe, it });
describeConformance("attached, and its holder", () => pairOf(withHolder), { describe, it });

type Ends = { readonly a: SealedTransport; readonly b: SealedTransport };

async function twoNodes(rig: AttachRig): Promise<Ends> {
  const a = await rig.attach(await rig.node(), { ...whole, engine: "wasm" });
  const b = await rig.attach(await rig.node(), crumbs);
  return { a: a.client, b: b.client };
}

async function oneNode(rig: AttachRig): Promise<Ends> {
  const node = await rig.node();
  return { a: (await rig.attach(node, crumbs)).client, b: (await rig.attach(node, whole)).client };
}

async function withHolder(rig: AttachRig): Promise<Ends> {
  const node = await rig.node();
  return { a: (await rig.attach(node, whole)).client, b: node };
}

async function pairOf(ends: (rig: AttachRig) => Promise<Ends>): Promise<TransportPair> {
  const rig = new AttachRig();
  return { ...(await ends(rig)), settle: () => rig.settle(), close: () => rig.close() };
}
