import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SimulatedHome } from "./simulated-home.ts";

describe("the election of a home's holder", () => {
  it("gives an empty home to the first who comes, and it to the next after that", async () => {
    const home = new SimulatedHome(1);
    for (const name of ["first", "second"]) {
      const started = home.start(name);
      await home.run(0);
      await started;
    }
    assert.equal(home.elected, 2);
    assert.equal(home.links.size, 0, "nothing is left behind");
  });

  for (const dead of [0, 1, 3]) {
    for (const killProbability of [0, 0.03]) {
      const killed = killProbability === 0 ? "" : ", some killed at any step";
      it(`never gives it to two at once, whatever the order of their steps: 5 starters, ${dead} dead before${killed}`, async () => {
        let elected = 0;
        let attached = 0;
        for (let seed = 1; seed <= SEEDS; seed++) {
          const home = await contend(seed, dead, killProbability);
          elected += home.elected;
          attached += home.attached;
        }
        // Neither side of the contest may be missing from the runs.
        assert.ok(elected > SEEDS && attached > SEEDS, `${elected} elected, ${attached} attached`);
      });
    }
  }
});

const SEEDS = 300;

/** One contest; afterwards the home must still be good for one more starter. */
async function contend(seed: number, dead: number, killProbability: number): Promise<SimulatedHome> {
  const home = new SimulatedHome(seed);
  for (let i = 0; i < dead; i++) home.addDead(`dead${i}`);
  const failures: unknown[] = [];
  for (let i = 0; i < 5; i++) home.start(`s${i}`).catch((error) => failures.push(error));
  await home.run(killProbability);
  const before = home.elected;
  home.start("last").catch((error) => failures.push(error));
  await home.run(0);
  assert.deepEqual(failures, [], `seed ${seed}\n${home.log.join("\n")}`);
  assert.equal(home.elected, before + 1, `seed ${seed}: the next is not elected\n${home.log.join("\n")}`);
  return home;
}
