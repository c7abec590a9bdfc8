// Data between a daemon and our node, in both roles.
import { setTimeout as pause } from "node:timers/promises";
import { check, compare, content, exchange } from "../exchange.mjs";
import { pair, ROLES } from "../scenes.mjs";

const HELLO = Buffer.from("hello from the client\n");
const ANSWER = Buffer.from("hello from the server\n");
const MEGABYTE = 1_000_000;
const BAD = { lossRate: 0.1, delayMs: 10, seed: 7 };
const SILENCE_MS = 20_000;

export const cells = ROLES.flatMap((role) => [
  plain("hello", role, { up: HELLO, down: ANSWER }),
  plain("no data from the client", role, { down: ANSWER }),
  plain("no data from the server", role, { up: HELLO }),
  { name: `20 s of silence, then data: ${role}`, isCalm: true, run: () => pair(role, silence) },
  plain("1 MB each way at once", role, { up: content(MEGABYTE, 1), down: content(MEGABYTE, 2) }),
  { ...plain("1 MB up, 10 % lost, 10 ms", role, { up: content(MEGABYTE, 3) }, { bad: BAD }), isCalm: true },
  {
    ...plain("1 MB down, 10 % lost, 10 ms", role, { down: content(MEGABYTE, 4) }, { bad: BAD }),
    isCalm: true,
  },
  ...["up", "down"].map((direction) => ({
    name: `65 535 messages ${direction}, then the end: ${role}`,
    run: () => pair(role, (scene) => wrap(scene, direction)),
  })),
]);

function plain(what, role, contents, options) {
  return {
    name: `${what}: ${role}`,
    run: () =>
      pair(
        role,
        ({ listener, connecter }) => exchange(listener, connecter, contents).then(() => undefined),
        options,
      ),
  };
}

/** Both connected, with their inputs open; nothing is said for longer than any patience; then it is. */
async function silence({ listener, connecter }) {
  const listening = await listener.listen(513, { input: "pipe" });
  const connecting = connecter.connect(listener.sid, 513, { input: "pipe" });
  connecting.stdin.write("1");
  listening.stdin.write("2");
  await listening.until(() => listening.bytes === 1, "first byte");
  await connecting.until(() => connecting.bytes === 1, "first byte");
  await pause(SILENCE_MS);
  connecting.stdin.end(HELLO);
  listening.stdin.end(ANSWER);
  const [there, here] = await Promise.all([listening.ended, connecting.ended]);
  compare("from the client", there.out, Buffer.concat([Buffer.from("1"), HELLO]));
  compare("from the server", here.out, Buffer.concat([Buffer.from("2"), ANSWER]));
}

/** As many messages as leave the number 65 535 to the end (docs/wire.md W2.19). Both sides must finish. */
async function wrap({ listener, connecter, theirs }, direction) {
  const bytes = content(65_535 * 1024, 5);
  const { listening, connecting } = await exchange(listener, connecter, { [direction]: bytes });
  const ours = listener === theirs ? connecting : listening;
  const closed = ours.events.find(({ event }) => event === "closed");
  check(closed?.how === "clean", `our side ended ${closed?.how}`);
  const isSender = (listener === theirs) === (direction === "up");
  return isSender ? `${closed.sent} packets sent` : `${closed.received} received`;
}
