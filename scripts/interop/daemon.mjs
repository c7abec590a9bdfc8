// A deployed daemon on a host, and its commands: only what it prints and logs is known of it.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { output } from "./child.mjs";

export class Daemon {
  host;
  sid;
  path;
  #server;
  #isMeantToRun = false;
  #expected = [];

  /** A daemon with a fresh identity, running. */
  static async start(host) {
    const daemon = new Daemon();
    daemon.host = host;
    host.world.onDaemon(daemon);
    daemon.path = join(host.world.path, `daemon-${host.name}`);
    mkdirSync(daemon.path);
    await daemon.run("config", "set", "interfaces.0.match", "e*", ...SETTINGS);
    await daemon.run("keyring", "add", "");
    await daemon.restart();
    return daemon;
  }

  get env() {
    return { SERVALINSTANCE_PATH: this.path };
  }

  /** Start the server again with the same identity. */
  async restart() {
    this.#server = this.host.start([SERVALD, "start", "foreground"], {
      env: this.env,
      patienceMs: 600_000,
    });
    this.#isMeantToRun = true;
    for (let tries = 0; ; tries++) {
      const status = await this.command(["status"]).ended;
      const sid = /^primary_sid:([0-9A-F]{64})$/m.exec(status.out.toString())?.[1];
      if (sid !== undefined) {
        this.sid = sid;
        return;
      }
      if (tries === 50) throw new Error(`the daemon does not start: ${this.#server.err}`);
      await pause(100);
    }
  }

  /** Kill the server, as a crash or a lost battery would. */
  async kill() {
    this.#isMeantToRun = false;
    await this.#server.kill("SIGKILL");
  }

  async stop() {
    this.#isMeantToRun = false;
    await this.#server.kill("SIGTERM");
  }

  /** A command that is to succeed: what it prints. */
  async run(...words) {
    return output(["ip", "netns", "exec", this.host.space, SERVALD, ...words], { env: this.env });
  }

  /** A command, running. */
  command(words, options) {
    return this.host.start([SERVALD, ...words], { env: this.env, ...options });
  }

  async listen(port, { input, words = [] } = {}) {
    const child = this.command(["msp", "listen", "--once", ...words, `${port}`], { input });
    // It prints nothing once it listens.
    await pause(LISTEN_MS);
    return child;
  }

  connect(sid, port, { input, words = [] } = {}) {
    return this.command(["msp", "connect", ...words, sid, `${port}`], { input });
  }

  /** A line of the log that the cell itself causes: the daemon and its commands write down what is done to them. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  /** What is wrong with it at the end of a cell, as a list of texts: it died, or its log tells of an error. */
  complaints() {
    const bad = this.#log().filter(
      (text) => /^(ERROR|FATAL)/.test(text) || (/^WARN/.test(text) && !HARMLESS.test(text)),
    );
    const texts = bad
      .filter((text) => !OVERRUN.test(text) && !this.#expected.some((pattern) => pattern.test(text)))
      .map((text) => `log of daemon ${this.host.name}: ${text}`);
    if (this.#isMeantToRun && this.#server.hasEnded) texts.push(`daemon ${this.host.name} has died`);
    return texts;
  }

  /** Packets that the daemon dropped because it or its client was not fast enough. */
  overruns() {
    return this.#log().filter((text) => OVERRUN.test(text)).length;
  }

  #log() {
    const folder = join(this.path, "log");
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  }
}

export const SERVALD = process.env.SERVALD ?? "";

const SETTINGS = [
  ...["set", "interfaces.0.type", "ethernet"],
  ...["set", "rhizome.enable", "false"],
  ...["set", "mdp.enable_inet", "true"],
];

/** Warnings that a daemon logs by itself, whoever its neighbours are. */
const HARMLESS = /serval\.conf does not exist|phy80211/;

/**
 * A client of it that is not scheduled in time, as its socket holds 11 packets; or one that hands over packets faster than they
 * leave, as their queue holds 100. Both are losses, which MSP repairs, and are told with the cell.
 */
const OVERRUN = /send_packet_to_client.*Resource temporarily unavailable|Queue #\d congested/;

const LISTEN_MS = 250;
