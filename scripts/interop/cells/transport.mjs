// A daemon as our node: `msp --transport servald`, by UDP and by its Unix socket.
import { Daemon } from "../daemon.mjs";
import { check, content, exchange } from "../exchange.mjs";
import { Ours } from "../ours.mjs";
import { pair, ROLES, scene } from "../scenes.mjs";

const HELLO = { up: Buffer.from("hello from the client\n"), down: Buffer.from("hello from the server\n") };
const MEGABYTE = { up: content(1_000_000, 13), down: content(1_000_000, 14) };

export const cells = [
  ...ROLES.flatMap((role) => [
    { name: `by a daemon (UDP), hello: ${role}`, run: () => clients(role, HELLO) },
    { name: `by a daemon (UDP), 1 MB each way: ${role}`, run: () => clients(role, MEGABYTE) },
  ]),
  { name: "by a daemon (UDP), 1 MB each way: our node at the other end", run: () => pair(ROLES[0], mixed) },
  { name: "by a daemon (Unix socket): as far as Node reaches", run: () => pair(ROLES[0], byUnixSocket) },
];

/** Two daemons; at one of them, our command instead of theirs. */
function clients(role, contents) {
  return scene(async (world) => {
    const [a, b] = [await world.host("a"), await world.host("b")];
    await world.wire(a, b);
    const far = await Daemon.start(a);
    const near = await Daemon.start(b);
    const client = Ours.onDaemon(near, "servald");
    const [listener, connecter] = role === ROLES[0] ? [far, client] : [client, far];
    await exchange(listener, connecter, contents);
  });
}

async function mixed({ theirs, ours }) {
  const client = Ours.onDaemon(theirs, "servald:4210");
  await exchange(client, ours, MEGABYTE);
}

/** On Linux the socket has an abstract name, which Node cannot address: the command must say so, and what to do. */
async function byUnixSocket({ theirs }) {
  const client = Ours.onDaemon(theirs, `servald:${theirs.path}`);
  const { code, out } = await client.command(["routes"]).ended;
  check(code === 3 && out.includes("mdp.enable_inet"), `exit ${code}: ${out}`);
  return { skipped: "an abstract name, out of Node's reach; the command says so, exits 3 and names UDP" };
}
