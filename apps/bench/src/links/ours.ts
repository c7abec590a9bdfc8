import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MESSAGE_SIZE, Sid } from "@meshstream/msp";
import { openMesh } from "@meshstream/node";
import { Progress, sharedNowMs, subject, tell } from "./subject.ts";

// Ours, in one process of its own: a node on a UDP socket, one connection, sealed as always.
subject(async ({ role, relayPort, bytes, receiver }) => {
  const home = await mkdtemp(join(tmpdir(), "msp-links-"));
  const mesh = await openMesh({
    home,
    bind: "127.0.0.1:0",
    broadcast: false,
    peers: [`127.0.0.1:${relayPort}`],
  });
  if (role === "receiver") {
    const listener = await mesh.listen(PORT);
    tell({ kind: "ready", self: mesh.identities[0]!.hex });
    const progress = new Progress(bytes);
    for await (const socket of listener) for await (const message of socket) progress.came(message.length);
    return;
  }
  // Neighbours first: what is measured is the stream.
  while (!(await mesh.neighbours()).some(({ reachable }) => reachable)) await delay(10);
  await delay(1000);
  tell({ kind: "ready" });
  const socket = await mesh.connect(Sid.fromHex(String(receiver)), PORT);
  const message = new Uint8Array(MESSAGE_SIZE).fill(0x5a);
  tell({ kind: "started", atMs: sharedNowMs() });
  for (let left = bytes; left > 0; left -= MESSAGE_SIZE) {
    await socket.send(left >= MESSAGE_SIZE ? message : message.subarray(0, left));
  }
});

const PORT = 512;
