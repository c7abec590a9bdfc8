// A program that opens a home, echoes on MDP port 512 if it is the holder, and tells its parent what happens to it.
// Arguments: HOME [PEER...]. The message "close" makes it close and end by itself.
import { MspError } from "@meshstream/msp";
import { openMesh } from "../../src/open-mesh.ts";

const [home, ...peers] = process.argv.slice(2);

try {
  const mesh = await openMesh({ home, bind: "127.0.0.1:0", broadcast: false, peers });
  process.once("message", async () => {
    await mesh.close();
    process.disconnect();
  });
  const listener = await mesh.listen(mesh.role === "holder" ? 512 : 1000 + process.pid);
  process.send?.({ event: "open", role: mesh.role, bound: mesh.bound, sid: mesh.identities[0]!.hex });
  for await (const socket of listener) {
    void (async () => {
      for await (const message of socket) await socket.send(message);
      await socket.close();
    })().catch(() => {});
  }
} catch (error) {
  process.send?.({ event: "failed", code: error instanceof MspError ? error.code : String(error) }, () =>
    process.disconnect(),
  );
}
