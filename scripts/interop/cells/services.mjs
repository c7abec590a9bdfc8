// What a person asks when something does not arrive, both ways; keys and services.
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { check, compare, content, exchange } from "../exchange.mjs";
import { Ours } from "../ours.mjs";
import { line, pair, ROLES } from "../scenes.mjs";

export const cells = [
  { name: "ping: ours asks", isCalm: true, run: () => pair(ROLES[0], pingTheirs) },
  { name: "ping: theirs asks", isCalm: true, run: () => pair(ROLES[1], pingOurs) },
  { name: "trace over a relay of ours: theirs asks", isCalm: true, run: () => line("DOD", traceByTheirs) },
  { name: "trace over a relay of theirs: ours asks", isCalm: true, run: () => line("ODO", traceByOurs) },
  { name: "peers and routes: ours shows theirs", isCalm: true, run: () => pair(ROLES[0], shown) },
  { name: "key mapping: ours asks theirs", isCalm: true, run: () => pair(ROLES[0], keyOfTheirs) },
  { name: "key mapping: a client of theirs asks ours", isCalm: true, run: () => pair(ROLES[1], keyOfOurs) },
  { name: "service by name: ours finds theirs", isCalm: true, run: () => pair(ROLES[0], findTheirs) },
  {
    name: "service by name: a client of theirs finds ours",
    isCalm: true,
    run: () => pair(ROLES[1], findOurs),
  },
];

async function pingTheirs({ theirs, ours }) {
  const { code, out } = await ours.command(["ping", "--count", "3", "--interval", "0.2", theirs.sid]).ended;
  const summary = events(out).find(({ event }) => event === "ping-summary");
  check(code === 0 && summary?.answered === 3, `exit ${code}, ${summary?.answered} of 3 answered`);
  return `${summary.meanMs.toFixed(1)} ms`;
}

async function pingOurs({ theirs, ours }) {
  await ours.hold();
  await met(theirs, ours);
  await reaches(ours, theirs.sid);
  const { out } = await theirs.command(["mdp", "ping", "--timeout=5", ours.sid, "3"]).ended;
  const answers = out.toString().match(new RegExp(`^${ours.sid}: seq=`, "gm")) ?? [];
  check(answers.length === 3, `${answers.length} of 3 answered: ${out}`);
}

async function traceByTheirs({ parties: [near, middle, far] }) {
  await met(near, far);
  const { out } = await near.command(["mdp", "trace", "--timeout=8", far.sid]).ended;
  const passed = out.toString().match(/[0-9A-F]{64}/g) ?? [];
  const wanted = [near, middle, far].map(({ sid }) => sid);
  check(
    wanted.every((sid) => passed.includes(sid)),
    `the trace names ${passed.length} nodes: ${out}`,
  );
}

async function traceByOurs({ parties: [near, middle, far] }) {
  await reaches(near, far.sid);
  // The way back is known a moment later than the way there.
  await near.command(["trace", far.sid]).ended;
  const { code, out } = await near.command(["trace", far.sid]).ended;
  const hops = events(out).filter(({ event }) => event === "trace-hop");
  const way = (wanted) => hops.filter(({ direction }) => direction === wanted).map(({ sid }) => sid);
  const sids = [near, middle, far].map(({ sid }) => sid);
  check(code === 0, `exit ${code}: ${out}`);
  check(`${way("out")}` === `${sids}`, `out: ${way("out").length} nodes: ${out}`);
}

async function shown({ theirs, ours }) {
  await ours.hold();
  await reaches(ours, theirs.sid);
  const peers = events((await ours.command(["peers"]).ended).out);
  const peer = peers.find(({ event, sid }) => event === "neighbour" && sid === theirs.sid);
  check(peer?.reachable === true, `peers: ${JSON.stringify(peer)}`);
  const routes = events((await ours.command(["routes"]).ended).out);
  const route = routes.find(({ event, sid }) => event === "route" && sid === theirs.sid);
  check(route?.hops === 1, `routes: ${JSON.stringify(route)}`);
}

/** The daemon prints its own key. */
async function keyOfTheirs({ theirs, ours }) {
  const listed = await theirs.run("keyring", "list");
  const key = await askKey(ours.host, theirs.sid, ours.home);
  check(listed.includes(`${theirs.sid}:${key}:`), `we got ${key}, the daemon has ${listed}`);
}

/** Asked by way of the daemon; the answer's signature is checked. */
async function keyOfOurs({ theirs, ours }) {
  await ours.hold();
  await met(theirs, ours);
  await reaches(ours, theirs.sid);
  await askKey(theirs.host, ours.sid, "servald");
}

async function askKey(host, sid, where) {
  const { out, err } = await host.start([process.execPath, KEY, sid, where]).ended;
  check(/^[0-9A-F]{64}\n$/.test(out.toString()), `no key: ${out}${err.slice(-300)}`);
  return out.toString().trim();
}

async function findTheirs({ theirs, ours }) {
  const up = content(3000, 12);
  await exchange(theirs, ours, { port: 530, up, down: up, listenWords: ["--service=books"] });
  const listening = await theirs.listen(531, { input: up, words: ["--service=maps"] });
  const connecting = ours.command(["connect", "--service", "maps", theirs.sid]);
  compare("from the service", (await connecting.ended).out, up);
  await listening.ended;
}

async function findOurs({ theirs, ours }) {
  await ours.listen(532, { words: ["--service", "music"] });
  await met(theirs, ours);
  await reaches(ours, theirs.sid);
  const client = Ours.onDaemon(theirs, "servald");
  const { out } = await client.command(["services", ours.sid]).ended;
  const service = events(out).find(({ event }) => event === "service");
  check(service?.name === "music" && service.port === 532, `services: ${out}`);
}

const KEY = fileURLToPath(new URL("../key.mjs", import.meta.url));

/** Wait until a daemon reaches a node. */
async function met(daemon, node) {
  for (let tries = 0; tries < 60; tries++) {
    if ((await daemon.run("id", "peers")).includes(node.sid)) return;
    await pause(200);
  }
  throw new Error(`the daemon does not reach ${node.sid}: ${await daemon.run("route", "print")}`);
}

/** Wait until our node has a way to one. */
async function reaches(ours, wanted) {
  for (let tries = 0; tries < 60; tries++) {
    const { out } = await ours.command(["routes"]).ended;
    if (events(out).some(({ event, sid }) => event === "route" && sid === wanted)) return;
    await pause(100);
  }
  throw new Error(`our node finds no way to ${wanted}`);
}

function events(out) {
  return out
    .toString()
    .split("\n")
    .filter((text) => text.startsWith('{"event"'))
    .map((text) => JSON.parse(text));
}
