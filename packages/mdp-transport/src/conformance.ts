import { BINDING } from "./conformance/binding.ts";
import { CLOSING } from "./conformance/closing.ts";
import { RECEIVING } from "./conformance/receiving.ts";
import { type Promises, Rig, type TransportPair } from "./conformance/rig.ts";
import { SENDING } from "./conformance/sending.ts";

export type { TransportPair } from "./conformance/rig.ts";
export { SimulatedDaemon, type SimulatedMesh } from "./conformance/simulated-daemon.ts";

/** The two functions of a test runner: those of `node:test` fit on Node, Deno and Bun. */
export interface TestApi {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: () => Promise<void>) => unknown;
}

/**
 * What MSP relies on, as a suite that every SealedTransport passes (docs/wire.md W2, W3). It binds ports 1000 to
 * 1099 on `a` and 2000 to 2099 on `b`, and sends packets of 1 to 1029 bytes, at most 10 before each settle().
 *
 * @example
 * import { describe, it } from "node:test";
 * describeConformance("memory", makePair, { describe, it });
 */
export function describeConformance(
  name: string,
  makePair: () => Promise<TransportPair>,
  { describe, it }: TestApi,
): void {
  for (const [title, promises] of Object.entries(SUITE)) {
    describe(`${name}: ${title}`, () => {
      for (const [promise, hold] of Object.entries(promises)) {
        it(promise, async () => {
          const pair = await makePair();
          try {
            const rig = new Rig(pair);
            await hold(rig);
            rig.assertNoFault();
          } finally {
            await pair.close();
          }
        });
      }
    });
  }
}

const SUITE: Readonly<Record<string, Promises>> = {
  binding: BINDING,
  sending: SENDING,
  receiving: RECEIVING,
  closing: CLOSING,
};
