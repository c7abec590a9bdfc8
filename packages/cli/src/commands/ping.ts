import { Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { parseCount } from "../shared/arguments.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, UsageError } from "../shared/exit-codes.ts";
import { describeRoute, findRoute, isTimeout } from "../shared/find-route.ts";
import { pause } from "../shared/pause.ts";
import type { NodeMesh } from "../shared/runtime.ts";
import { parseSeconds } from "../shared/seconds.ts";
import { withMesh } from "../shared/with-mesh.ts";

interface PingOptions {
  readonly count: string;
  readonly interval: string;
  readonly size: string;
}

/** `msp ping SID`: echo requests to MDP port 7. */
export function addPing(program: Command, execute: Execute): void {
  program
    .command("ping")
    .description("ask a node for echoes and tell the times")
    .argument("<SID>", "the node's identity, 64 hex digits")
    .option("--count <N>", "how many echoes to ask for, or forever: until a signal", "4")
    .option("--interval <SECONDS>", "from one request to the next, 0.01 or more", "1")
    .option("--size <BYTES>", "bytes there and back, 12 to 1029", "12")
    .addHelpText("after", EXAMPLES)
    .action((sid: string, options: PingOptions, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => ping(context, sid, options)),
    );
}

async function ping(context: Context, sidText: string, options: PingOptions): Promise<number> {
  const sid = Sid.fromHex(sidText);
  const isEndless = options.count === "forever";
  const count = isEndless ? Number.POSITIVE_INFINITY : parseCount("--count", options.count, 1);
  const intervalMs = parseSeconds("--interval", options.interval, 10);
  const payloadBytes = parseSize(options.size);
  return withMesh(context, async (mesh) => {
    await findRoute(context, mesh, sid);
    const series = new Series(context, mesh, sid, payloadBytes);
    try {
      await series.run(count, intervalMs);
    } finally {
      series.summarize();
    }
    if (series.answeredCount > 0) return ExitCode.DONE;
    context.report.note({ event: "no-answer", sid: sid.hex }, await describeRoute(mesh, sid));
    return ExitCode.CONNECTION;
  });
}

function parseSize(text: string): number {
  const bytes = Number(text);
  if (/^\d+$/.test(text) && bytes >= 12 && bytes <= 1029) return bytes;
  throw new UsageError(`--size needs a whole number, 12 to 1029, not "${text}"`);
}

/** Requests at an even pace, whether or not earlier ones are answered; an answer counts if it comes within 2 s. */
class Series {
  readonly #context: Context;
  readonly #mesh: NodeMesh;
  readonly #sid: Sid;
  readonly #payloadBytes: number;
  readonly #times = { least: Number.POSITIVE_INFINITY, most: 0, sum: 0 };
  #settledCount = 0;
  answeredCount = 0;

  constructor(context: Context, mesh: NodeMesh, sid: Sid, payloadBytes: number) {
    this.#context = context;
    this.#mesh = mesh;
    this.#sid = sid;
    this.#payloadBytes = payloadBytes;
  }

  async run(count: number, intervalMs: number): Promise<void> {
    const { signal } = this.#context.interruption;
    const pending = new Set<Promise<void>>();
    let failure: unknown;
    const startMs = performance.now();
    for (let sequence = 1; sequence <= count; sequence++) {
      const asked = this.#askOnce(sequence)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => pending.delete(asked));
      pending.add(asked);
      if (sequence === count) break;
      // Of late answers no more may be waited for than a port is there for each.
      if (pending.size >= MOST_PENDING) await Promise.race(pending);
      await pause(Math.max(0, startMs + sequence * intervalMs - performance.now()), signal);
      if (failure !== undefined) break;
    }
    await Promise.all(pending);
    if (failure !== undefined) throw failure;
  }

  async #askOnce(sequence: number): Promise<void> {
    const { report, interruption } = this.#context;
    const event = { event: "ping", sid: this.#sid.hex, sequence };
    const words = `${this.#sid.hex}: sequence ${sequence},`;
    try {
      const { rttMs } = await this.#mesh.ping(this.#sid, {
        sequence: sequence % 2 ** 32,
        payloadBytes: this.#payloadBytes,
        timeoutMs: PATIENCE_MS,
        signal: interruption.signal,
      });
      this.answeredCount++;
      this.#times.least = Math.min(this.#times.least, rttMs);
      this.#times.most = Math.max(this.#times.most, rttMs);
      this.#times.sum += rttMs;
      report.result({ ...event, rttMs }, `${words} ${rttMs.toFixed(2)} ms`);
    } catch (error) {
      if (!isTimeout(error)) throw error;
      report.result(event, `${words} no answer`);
    }
    this.#settledCount++;
  }

  /** Of the requests that were answered, or waited for to the end. */
  summarize(): void {
    const { least, most, sum } = this.#times;
    const [asked, answered] = [this.#settledCount, this.answeredCount];
    if (asked === 0) return;
    const lostPercent = Math.round((1000 * (asked - answered)) / asked) / 10;
    const mean = sum / answered;
    const figures = answered === 0 ? {} : { minMs: least, meanMs: mean, maxMs: most };
    const times = [least, mean, most].map((ms) => ms.toFixed(2)).join(" / ");
    this.#context.report.note(
      { event: "ping-summary", sid: this.#sid.hex, asked, answered, lostPercent, ...figures },
      `${answered} of ${asked} answered, ${lostPercent} % lost${answered === 0 ? "" : `, ${times} ms (least, mean, most)`}`,
    );
  }
}

const PATIENCE_MS = 2000;
const MOST_PENDING = 256;

const EXAMPLES = `
Exits 1 if there was no answer at all.

Examples:
  $ msp ping 57D5...7045
  $ msp ping --count forever --interval 0.2 57D5...7045
  $ msp ping --count 1 --size 1029 --peer 192.168.1.7:4110 57D5...7045`;
