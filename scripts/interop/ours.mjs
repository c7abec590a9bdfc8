// Our node on a host, by the command `msp`: what a person would type. With `transport`, a daemon of that host is the node.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "./child.mjs";

export class Ours {
  host;
  sid;
  home;
  #transport;

  /** A node with a fresh identity in a home of its own. It runs while a command of it runs. */
  static async make(host) {
    const ours = new Ours();
    ours.host = host;
    ours.home = join(host.world.path, `home-${host.name}`);
    const { out } = await new Child([process.execPath, COMMAND, "--home", ours.home, "id", "new"]).ended;
    ours.sid = out.toString().trim();
    return ours;
  }

  /** A client of `daemon`, whose identity it uses. `place`: "servald" and what may follow it. */
  static onDaemon(daemon, place) {
    const ours = new Ours();
    ours.host = daemon.host;
    ours.sid = daemon.sid;
    ours.#transport = place;
    return ours;
  }

  /** A command, running. Its events are on standard error, or on standard output if it carries no data. */
  command(words, options) {
    const where = this.#transport === undefined ? ["--home", this.home] : ["--transport", this.#transport];
    return this.host.start([process.execPath, COMMAND, "--json", "-v", ...where, ...words], options);
  }

  /** Keep the node there, whatever other commands come and go. Resolves when it is. */
  async hold() {
    const child = this.command(["listen", `${HOLD_PORT}`], { patienceMs: 600_000 });
    await child.event("listening");
    return child;
  }

  async listen(port, { input, words = [] } = {}) {
    const child = this.command(["listen", "--once", ...words, `${port}`], { input });
    await child.event("listening");
    return child;
  }

  connect(sid, port, { input, words = [] } = {}) {
    return this.command(["connect", ...words, sid, `${port}`], { input });
  }
}

const COMMAND = fileURLToPath(new URL("../../packages/cli/bin/msp.js", import.meta.url));
const HOLD_PORT = 64_999;
