// Connections that end badly: each side learns it, by a code, and in time; and what came by then is a true beginning.
import { setTimeout as pause } from "node:timers/promises";
import { check, compare, content } from "../exchange.mjs";
import { pair, ROLES } from "../scenes.mjs";

const NOBODY = "0F5A".repeat(16);
/** No side waits longer for a peer that says nothing (docs/wire.md W2.15), and some for starting. */
const PATIENCE_MS = 14_000;
const PROMPT_MS = 4000;

export const cells = [
  ...ROLES.flatMap((role) =>
    ["ours", "theirs"].map((victim) => ({
      name: `terminated mid-stream, ${victim} killed: ${role}`,
      isCalm: true,
      run: () => pair(role, (scene) => terminated(scene, victim)),
    })),
  ),
  { name: "stopped mid-stream: ours by SIGTERM", isCalm: true, run: () => pair(ROLES[0], stopped) },
  { name: "refused: ours does not allow theirs", isCalm: true, run: () => pair(ROLES[1], notAllowed) },
  { name: "refused: a second client while theirs serves one", isCalm: true, run: () => pair(ROLES[0], busy) },
  {
    name: "no peer: nobody has the SID",
    isCalm: true,
    run: () => pair(ROLES[0], ({ ours }) => unanswered(ours, NOBODY)),
  },
  {
    name: "no peer: nobody listens on the daemon's port",
    isCalm: true,
    run: () => pair(ROLES[0], ({ ours, theirs }) => unanswered(ours, theirs.sid)),
  },
  { name: "no peer: nobody listens on our port", isCalm: true, run: () => pair(ROLES[1], nobodyListens) },
  { name: "the daemon restarts", isCalm: true, run: () => pair(ROLES[0], restarts) },
];

/** Both send without end; one is killed. The other one ends by itself, and ours says why. */
async function terminated({ listener, connecter, ours, theirs }, victim) {
  theirs.expect(victim === "ours" ? /MSP socket timed out/ : /send_packet_to_client.*Connection refused/);
  const bytes = content(300_000, 8);
  const listening = await listener.listen(514, { input: "pipe" });
  const connecting = connecter.connect(listener.sid, 514, { input: "pipe" });
  for (const side of [listening, connecting]) side.stdin.write(bytes);
  for (const side of [listening, connecting]) await side.until(() => side.bytes > 100_000, "the middle");
  const [mine, other] = listener === ours ? [listening, connecting] : [connecting, listening];
  const [killed, left] = victim === "ours" ? [mine, other] : [other, mine];
  await killed.kill("SIGKILL");
  const killedMs = performance.now();
  const { code, out } = await endsWithin(left, PATIENCE_MS);
  beginning(out, bytes);
  if (left === mine) judge(mine, code, ["timeout", "stopped"]);
  return `the other ended after ${((performance.now() - killedMs) / 1000).toFixed(1)} s`;
}

/** A command of ours that is asked to end tells its peer at once. */
async function stopped({ theirs, ours }) {
  const bytes = content(300_000, 9);
  const listening = await theirs.listen(514, { input: "pipe" });
  const connecting = ours.connect(theirs.sid, 514, { input: "pipe" });
  connecting.stdin.write(bytes);
  await listening.until(() => listening.bytes > 100_000, "the middle");
  await connecting.kill("SIGTERM");
  const { out } = await endsWithin(listening, PROMPT_MS);
  beginning(out, bytes);
}

async function notAllowed({ theirs, ours }) {
  const listening = ours.command(["listen", "--allow", NOBODY, "515"]);
  await listening.event("listening");
  const connecting = theirs.connect(ours.sid, 515, { input: content(3000) });
  const { out } = await endsWithin(connecting, PROMPT_MS);
  check(out.length === 0, `${out.length} bytes came from who refuses`);
  check(
    listening.bytes === 0 || !listening.out.includes(content(64)),
    "bytes of one who is refused came through",
  );
  check((await listening.event("refused")).reason === "not-allowed", "not refused for what it should be");
}

/** A deployed listener with --once stops who comes second. */
async function busy({ theirs, ours }) {
  await theirs.listen(516, { input: "pipe" });
  await ours.hold();
  const first = ours.connect(theirs.sid, 516, { input: "pipe" });
  first.stdin.write("1");
  await first.event("connected");
  const second = ours.connect(theirs.sid, 516, { input: content(3000) });
  const { code } = await endsWithin(second, PATIENCE_MS);
  judge(second, code, ["stopped", "timeout"]);
  return second.events.find(({ event }) => event === "error").code;
}

async function unanswered(ours, sid) {
  const connecting = ours.connect(sid, 599, { input: content(3000) });
  const { code } = await endsWithin(connecting, PATIENCE_MS);
  judge(connecting, code, ["timeout"]);
}

async function nobodyListens({ theirs, ours }) {
  theirs.expect(/MSP socket timed out/);
  await ours.hold();
  const connecting = theirs.connect(ours.sid, 599, { input: content(3000) });
  const { out } = await endsWithin(connecting, PATIENCE_MS);
  check(out.length === 0, `${out.length} bytes came from nobody`);
}

/** The connection fails with a code; a new one works within seconds of the daemon's return. */
async function restarts({ theirs, ours }) {
  await ours.hold();
  const first = await theirs.listen(517, { input: "pipe" });
  const connecting = ours.connect(theirs.sid, 517, { input: "pipe" });
  connecting.stdin.write("1");
  await connecting.event("connected");
  await theirs.kill();
  await first.kill("SIGKILL");
  const diedMs = performance.now();
  await pause(1000);
  await theirs.restart();
  const backMs = performance.now();
  const listening = await theirs.listen(517, { input: Buffer.from("back") });
  const { out } = await endsWithin(
    ours.connect(theirs.sid, 517, { input: Buffer.from("again") }),
    PATIENCE_MS,
  );
  const newMs = performance.now() - backMs;
  compare("from the new server", out, Buffer.from("back"));
  compare("from the new client", (await listening.ended).out, Buffer.from("again"));
  const { code } = await endsWithin(connecting, PATIENCE_MS);
  judge(connecting, code, ["timeout", "stopped"]);
  const failedMs = performance.now() - diedMs;
  check(newMs < 6000, `a new connection took ${newMs.toFixed(0)} ms`);
  return `failed after ${(failedMs / 1000).toFixed(1)} s, new connection done ${(newMs / 1000).toFixed(1)} s after the return`;
}

async function endsWithin(child, patienceMs) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`it still runs after ${patienceMs} ms: ${child.err.slice(-300)}`)),
      patienceMs,
    );
  });
  try {
    return await Promise.race([child.ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

function beginning(out, bytes) {
  check(out.equals(bytes.subarray(0, out.length)), "what came is not what was sent");
}

/** Our command failed, with one of these codes. */
function judge(child, code, codes) {
  const error = child.events.find(({ event }) => event === "error");
  check(code === 1 && codes.includes(error?.code), `exit ${code}, ${error?.code}: not ${codes.join(" or ")}`);
}
