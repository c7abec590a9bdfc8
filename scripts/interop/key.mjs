// Asks a node for its signing key, as a program would: prints it if its signature and the SID agree.
//
//   node key.mjs SID HOME|servald
import { openMesh } from "@meshstream/node";

const [sid, where] = process.argv.slice(2);
const mesh = await openMesh(where === "servald" ? { transport: "servald" } : { home: where });
try {
  for (let tries = 0; ; tries++) {
    try {
      const { signingKey } = await mesh.signingKey(sid, { timeoutMs: 1000 });
      console.log(Buffer.from(signingKey).toString("hex").toUpperCase());
      break;
    } catch (error) {
      // Before the nodes have met, nobody answers.
      if (error.code !== "timeout" || tries === 5) throw error;
    }
  }
} finally {
  await mesh.close();
}
