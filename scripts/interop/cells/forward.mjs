// TCP ports through MSP: ours at one end, theirs at the other.
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { check } from "../exchange.mjs";
import { pair, ROLES } from "../scenes.mjs";

const TCP = fileURLToPath(new URL("../tcp.mjs", import.meta.url));
const SERVED = 7001;
const ENTRY = 7002;

export const cells = ROLES.flatMap((role) => [
  {
    name: `forward and tunnel, 200 kB and back: ${role}`,
    run: () => pair(role, (scene) => tunnel(scene, role)),
  },
  {
    name: `forward to a TCP port that refuses: ${role}`,
    run: () => pair(role, (scene) => refusing(scene, role)),
  },
]);

async function tunnel(scene, role) {
  const server = scene.listener.host.start([process.execPath, TCP, "serve", `${SERVED}`]);
  await server.until(() => server.out.includes("ready"), "TCP server");
  await build(scene, role);
  // Two one after the other: what the first one leaves behind must not harm the second.
  for (let round = 0; round < 2; round++) {
    const { out } = await scene.connecter.host.start([process.execPath, TCP, "call", `${ENTRY}`, "200000"], {
      patienceMs: 20_000,
    }).ended;
    const [sent, came] = out.toString().trim().split(" ");
    check(sent?.length === 64 && sent === came, `TCP connection ${round + 1}: ${out.toString() || "no end"}`);
  }
}

async function refusing(scene, role) {
  scene.theirs.expect(/msp_listener.*Connection refused/);
  await build(scene, role);
  const { out, code } = await scene.connecter.host.start(
    [process.execPath, TCP, "call", `${ENTRY}`, "1000"],
    {
      patienceMs: 15_000,
    },
  ).ended;
  // Theirs gives its TCP client an end, ours a reset.
  check(code === 0 || code === 1, `the TCP client was left alone: exit ${code}`);
  check(code === 1 || out.toString().endsWith(`${SHA256_OF_NOTHING}\n`), `bytes came from nowhere: ${out}`);
  if (role === ROLES[0]) check(out.includes("ECONNRESET"), `our TCP client saw no reset: ${out}`);
}

/** The two ends of the tunnel: TCP ENTRY at the connecter, SERVED at the listener. */
async function build({ listener, connecter, ours }, role) {
  const byTheirs = { input: "pipe" };
  if (role === ROLES[0]) {
    listener.command(["msp", "listen", `--forward=${SERVED}`, "540"], byTheirs);
    const entry = connecter.command(["connect", "--forward", `${ENTRY}`, listener.sid, "540"]);
    await entry.event("forwarding");
  } else {
    const exit = ours.command(["listen", "--forward", `${SERVED}`, "540"]);
    await exit.event("listening");
    connecter.command(["msp", "connect", `--forward=${ENTRY}`, ours.sid, "540"], byTheirs);
  }
  // Theirs prints nothing once it listens.
  await pause(500);
}

const SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
