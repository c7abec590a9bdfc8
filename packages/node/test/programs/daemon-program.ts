// A program that binds a port of the daemon named by its argument and exits at once, without closing anything.
import { openMesh } from "../../src/open-mesh.ts";

const mesh = await openMesh({ transport: process.argv[2] });
await mesh.listen(512);
process.exit(0);
