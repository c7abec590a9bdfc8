import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Figures, figuresOf, intervalMs, PACKET_BYTES, type Stream } from "./stream.ts";

/** The stream through a point-to-point link of ns-3, in simulated time; jitter left out, which that link does not have. */
export class Ns3 {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** Build it in `folder`; a text says why it cannot be. */
  static build(folder: string): Ns3 | string {
    const folders = existsSync(INCLUDE) ? readdirSync(INCLUDE) : [];
    const headers = folders.find(
      (name) => name === "ns3" || existsSync(join(INCLUDE, name, "ns3/core-module.h")),
    );
    if (headers === undefined)
      return "no headers of ns-3 in /usr/include (Debian: apt-get install libns3-dev)";
    const program = join(folder, "ns3-stream");
    const source = fileURLToPath(new URL("./ns3.cc", import.meta.url));
    const paths = [
      "-std=c++17",
      "-O1",
      "-o",
      program,
      source,
      ...(headers === "ns3" ? [] : [`-I${join(INCLUDE, headers)}`]),
    ];
    const libraries = ["point-to-point", "network", "stats", "core"].map((name) => `-lns3-${name}`);
    const { status, stderr, error } = spawnSync("g++", [...paths, ...libraries], { encoding: "utf8" });
    return status === 0 ? new Ns3(program) : `g++: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
  }

  run(stream: Stream): Figures {
    const { rateBitsPerSecond, delayMs, queuePackets, loss = { model: "none" } } = stream.link;
    const meanLoss = loss.model === "none" ? 0 : loss.model === "bernoulli" ? loss.p : loss.meanLoss;
    const meanBurst = loss.model === "gilbert-elliott" ? loss.meanBurstPackets : 1;
    const numbers = [rateBitsPerSecond, delayMs, queuePackets, meanLoss, meanBurst, intervalMs(stream)];
    const { stdout, status, stderr } = spawnSync(
      this.#program,
      [...numbers, stream.packets, PACKET_BYTES].map(String),
      { encoding: "utf8", maxBuffer: 2 ** 28 },
    );
    if (status !== 0) throw new Error(`ns-3: exit ${status} ${stderr}`);
    const arrivals = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ").map(Number) as [number, number]);
    return figuresOf(
      stream,
      arrivals.map(([atMs, tookMs]) => ({ atMs, tookMs })),
    );
  }
}

const INCLUDE = "/usr/include";
