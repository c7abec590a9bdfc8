import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MspListener } from "../src/stream/listener.ts";
import type { MspSocket } from "../src/stream/socket.ts";
import { ENGINES, Pair, pattern } from "./support/pair.ts";

const TEN_PERCENT = { delayMs: 10, loss: { model: "bernoulli", p: 0.1 } } as const;

/** Send `data` from a to b in messages of 1024 bytes; both ends close in good order. */
async function transfer(pair: Pair, data: Uint8Array, config = {}) {
  const { a, b } = pair.meshes(config);
  const listener = await b.listen(512);
  const receiving = receiveAll(listener);
  const socket = await a.connect(pair.b.identities[0]!, 512);
  for (let at = 0; at < data.length; at += 1024) await socket.send(data.subarray(at, at + 1024));
  socket.shutdown();
  const received = await receiving;
  const receivedAtMs = pair.clock.now();
  return { socket, received, receivedAtMs, outcome: await socket.closed };
}

async function receiveAll(listener: MspListener) {
  const socket = (await listener.accept()) as MspSocket;
  const messages: Uint8Array[] = [];
  for await (const message of socket) messages.push(message);
  void socket.close();
  return Buffer.concat(messages);
}

function medianAndWorst(values: readonly number[]): number[] {
  const sorted = values.map(Math.round).sort((x, y) => x - y);
  return [sorted[sorted.length >> 1]!, sorted.at(-1)!];
}

for (const engine of ENGINES) {
  describe(`a transfer (${engine})`, () => {
    it("arrives whole over a clean link", async () => {
      const pair = await Pair.make({ engine });
      const data = pattern(100_000);
      const { received, outcome } = await pair.settle(transfer(pair, data));
      assert.deepEqual(received, Buffer.from(data));
      assert.equal(outcome, "clean");
    });

    it("arrives whole over a link that takes no time at all, as a coarse clock measures it", async () => {
      const pair = await Pair.make({ engine, link: { delayMs: 0 } });
      const data = pattern(400_000);
      const { received } = await pair.settle(transfer(pair, data));
      assert.deepEqual(received, Buffer.from(data));
    });

    it("of 1 MB at 10 ms and 10 % loss each way takes 0.2 s in the median and 0.5 s at worst, 21 seeds", async () => {
      const data = pattern(1_000_000);
      const arrivedMs: number[] = [];
      const closedMs: number[] = [];
      for (let seed = 1; seed <= 21; seed += 1) {
        const pair = await Pair.make({ engine, seed, link: TEN_PERCENT });
        const { received, receivedAtMs } = await pair.settle(transfer(pair, data));
        assert.equal(Buffer.compare(received, data), 0, `seed ${seed}`);
        arrivedMs.push(receivedAtMs);
        closedMs.push(pair.clock.now());
      }
      const [median, worst] = medianAndWorst(arrivedMs);
      const figures = `median ${median} ms, worst ${worst} ms; closed: ${medianAndWorst(closedMs)}`;
      console.log(`1 MB, 10 ms, 10 % loss (${engine}): ${figures}`);
      assert.ok(median! <= 200 && worst! <= 500, figures);
    });
  });
}
