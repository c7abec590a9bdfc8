// Who is there, and how they are joined.
import { Daemon } from "./daemon.mjs";
import { check } from "./exchange.mjs";
import { Ours } from "./ours.mjs";
import { World } from "./world.mjs";

/** Two names of roles, for cells that are run in each. */
export const ROLES = ["ours connects", "theirs connects"];

/** A daemon and our node, neighbours. `body` gets both, and by role the listener and the connecter. */
export function pair(role, body, { bad } = {}) {
  return scene(async (world) => {
    const [a, b] = [await world.host("a"), await world.host("b")];
    if (bad === undefined) await world.wire(a, b);
    else await world.badWire(a, b, bad);
    const theirs = await Daemon.start(a);
    const ours = await Ours.make(b);
    const [listener, connecter] = role === ROLES[0] ? [theirs, ours] : [ours, theirs];
    return body({ world, theirs, ours, listener, connecter });
  });
}

/** Nodes in a line, each a neighbour of the next only: "D" a daemon, "O" ours. */
export function line(letters, body) {
  return scene(async (world) => {
    const nodes = [];
    for (const [index, letter] of [...letters].entries()) {
      const host = await world.host(`n${index}`);
      if (index > 0) await world.wire(nodes[index - 1].host, host);
      nodes.push({ host, letter });
    }
    const parties = await Promise.all(
      nodes.map(({ host, letter }) => (letter === "D" ? Daemon.start(host) : Ours.make(host))),
    );
    for (const party of parties) if (party instanceof Ours) await party.hold();
    return body({ world, parties });
  });
}

/** Build a world, run `make`, and look at every daemon before all of it goes. */
export async function scene(make) {
  const world = await World.open();
  const daemons = [];
  world.onDaemon = (daemon) => daemons.push(daemon);
  try {
    const note = await make(world);
    const complaints = daemons.flatMap((daemon) => daemon.complaints());
    check(complaints.length === 0, complaints.slice(0, 3).join("; "));
    const drops = daemons.reduce((sum, daemon) => sum + daemon.overruns(), 0);
    return drops === 0 || note?.skipped ? note : `${note ? `${note}; ` : ""}${drops} overruns at the daemon`;
  } finally {
    await world.close();
  }
}
