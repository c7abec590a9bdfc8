import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { client } from "../examples/client.ts";
import { talk } from "../examples/talk.ts";
import { openHandlerApi } from "../src/handler/api.ts";
import { ENGINES, Pair } from "./support/pair.ts";

for (const engine of ENGINES) {
  describe(`the examples (${engine})`, () => {
    async function talked(seed: number): Promise<{ client: string[]; server: string[] }> {
      const printed = { client: [] as string[], server: [] as string[] };
      await talk(
        (line) => {
          const [who, said] = line.split(" | ") as ["client" | "server", string];
          printed[who].push(said);
        },
        { engine, seed },
      );
      return printed;
    }

    it("the client of the synopsis talks to the server of the synopsis", async () => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const printed = await talked(seed);
        assert.deepEqual(printed.client, ["HELLO", "IS ANYBODY THERE?", "GOOD BYE"], `seed ${seed}`);
      }
    });

    it("the server of the synopsis serves one client after another", async () => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const printed = await talked(seed);
        const expected = ["1: hello", "1: is anybody there?", "1: done", "2: good bye", "2: done"];
        assert.deepEqual(
          printed.server,
          expected.map((line) => `client ${line}`),
          `seed ${seed}`,
        );
      }
    });

    it("the client of the synopsis says so when nobody answers", async () => {
      const pair = await Pair.make({ engine });
      const { clock, entropy } = pair;
      const msp = openHandlerApi({ transport: pair.a, clock, entropy });
      const remote = { sid: pair.b.identities[0]!, port: 512 };
      const talking = client(msp, remote, ["hello"], () => assert.fail("nobody spoke"));
      await assert.rejects(pair.settle(talking), { name: "MspError", code: "timeout" });
      assert.equal(clock.now(), 10_000);
    });
  });
}
