// How fast, against two daemons on the same wire in the same run. Our command is its own node here, as when one types it.
import { Daemon } from "../daemon.mjs";
import { check, content, exchange } from "../exchange.mjs";
import { Ours } from "../ours.mjs";
import { scene } from "../scenes.mjs";

/** Our node must be so many times as fast as a daemon towards a daemon, and a daemon towards ours ... */
const SEND_GOAL = 3;
/** ... at least as fast as towards a daemon. */
const RECEIVE_GOAL = 1;
const ROUNDS = 3;

export const cells = [1, 5].map((megabytes) => ({
  name: `throughput, ${megabytes} MB`,
  run: () => measure(content(megabytes * 1_000_000, 6), megabytes === 1 ? ROUNDS : 1),
}));

/** The middle of several rounds, each with all three pairs: what else the machine does hits all of them. */
function measure(bytes, rounds) {
  return scene(async (world) => {
    const hosts = [await world.host("a"), await world.host("b"), await world.host("c")];
    await world.wire(hosts[0], hosts[1]);
    await world.wire(hosts[0], hosts[2]);
    const near = await Daemon.start(hosts[0]);
    const far = await Daemon.start(hosts[1]);
    const ours = await Ours.make(hosts[2]);
    const rates = { reference: [], sent: [], received: [] };
    for (let round = 0; round < rounds; round++) {
      rates.reference.push(await rate(near, far, bytes));
      rates.sent.push(await rate(near, ours, bytes));
      rates.received.push(await rate(ours, near, bytes));
    }
    const [reference, sent, received] = Object.values(rates).map(median);
    const figures =
      `two daemons ${reference.toFixed(2)} MB/s, ours to a daemon ${sent.toFixed(2)}, ` +
      `${(sent / reference).toFixed(1)} times, a daemon to ours ${received.toFixed(2)}, ${(received / reference).toFixed(1)} times`;
    check(sent >= SEND_GOAL * reference, `ours to a daemon is below ${SEND_GOAL} times: ${figures}`);
    check(received >= RECEIVE_GOAL * reference, `a daemon to ours is slower than to a daemon: ${figures}`);
    return figures;
  });
}

/** MB/s from the first bytes at the listener's output to the last. */
async function rate(listener, connecter, up) {
  const { listening } = await exchange(listener, connecter, { up });
  return (up.length - listening.firstBytes) / 1000 / (listening.lastMs - listening.firstMs);
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}
