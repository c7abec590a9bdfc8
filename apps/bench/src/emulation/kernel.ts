import { spawnSync } from "node:child_process";
import type { Ends } from "./real-time.ts";
import { PACKET_BYTES, type Stream } from "./stream.ts";

/**
 * Three network namespaces in a row: the sender's, one that forwards, the receiver's. The kernel's tbf limits rate and queue
 * where the sender's packets leave; its netem delays and loses them where they are forwarded. Needs root, ip and tc.
 */
export class Kernel {
  /** The kernel has netem: else only rate and queue can be compared. */
  readonly hasNetem: boolean;
  readonly #names: readonly [string, string, string];

  private constructor(names: readonly [string, string, string], hasNetem: boolean) {
    this.#names = names;
    this.hasNetem = hasNetem;
  }

  /** Set them up; a text says why it cannot be done. */
  static setUp(): Kernel | string {
    if (process.getuid?.() !== 0) return "needs root";
    const names = ["a", "b", "c"].map((end) => `msp-emulation-${process.pid}-${end}`) as [
      string,
      string,
      string,
    ];
    const [a, b, c] = names;
    const problem = firstProblem([
      ...names.map((name) => ["ip", "netns", "add", name]),
      ["ip", "link", "add", "to-b", "netns", a, "type", "veth", "peer", "name", "to-a", "netns", b],
      ["ip", "link", "add", "to-c", "netns", b, "type", "veth", "peer", "name", "to-b", "netns", c],
      ...[
        [a, "to-b", "10.99.1.1/24"],
        [b, "to-a", "10.99.1.2/24"],
        [b, "to-c", "10.99.2.1/24"],
        [c, "to-b", "10.99.2.2/24"],
      ].flatMap(([name, device, address]) => [
        ["ip", "-n", name!, "address", "add", address!, "dev", device!],
        ["ip", "-n", name!, "link", "set", device!, "up"],
      ]),
      ["ip", "-n", a, "route", "add", "default", "via", "10.99.1.2"],
      ["ip", "-n", c, "route", "add", "default", "via", "10.99.2.1"],
      ["ip", "netns", "exec", b, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"],
      [
        "tc",
        "-n",
        a,
        "qdisc",
        "add",
        "dev",
        "to-b",
        "root",
        "tbf",
        "rate",
        "1mbit",
        "burst",
        "1600",
        "limit",
        "30000",
      ],
    ]);
    const hasNetem = problem === undefined && firstProblem([netem(b, "add", ["delay", "1ms"])]) === undefined;
    const kernel = new Kernel(names, hasNetem);
    if (problem === undefined) return kernel;
    kernel.tearDown();
    return problem;
  }

  /** Make the way that link, as far as this kernel can; the stream then goes between these ends. */
  configure({ link }: Stream): Ends {
    const [a, b, c] = this.#names;
    const { rateBitsPerSecond = 0, queuePackets = 0 } = link;
    const limit = queuePackets * PACKET_BYTES;
    const rate = ["rate", `${rateBitsPerSecond}bit`, "burst", "1600", "limit", String(limit)];
    const problem = firstProblem([
      ["tc", "-n", a, "qdisc", "replace", "dev", "to-b", "root", "tbf", ...rate],
      ...(this.hasNetem ? [netem(b, "replace", netemArguments(link))] : []),
    ]);
    if (problem !== undefined) throw new Error(problem);
    return {
      sender: ["ip", "netns", "exec", a],
      receiver: ["ip", "netns", "exec", c],
      receiverAddress: "10.99.2.2",
      receiverPort: 9000,
      address: "10.99.2.2",
      port: 9000,
      headerBytes: ETHERNET_IP_UDP_BYTES,
    };
  }

  tearDown(): void {
    for (const name of this.#names) spawnSync("ip", ["netns", "delete", name]);
  }
}

/** What netem calls these things; its queue has to hold all that is delayed. */
function netemArguments({ delayMs = 0, jitterMs = 0, loss = { model: "none" } }: Stream["link"]): string[] {
  // Jitter here is 0..jitterMs on top, there to both sides of the mean.
  const middle = [`${delayMs + jitterMs / 2}ms`, ...(jitterMs > 0 ? [`${jitterMs / 2}ms`] : [])];
  const percent = (share: number) => `${100 * share}%`;
  const losses =
    loss.model === "none"
      ? []
      : loss.model === "bernoulli"
        ? ["loss", percent(loss.p)]
        : [
            "loss",
            "gemodel",
            percent(loss.meanLoss / (1 - loss.meanLoss) / loss.meanBurstPackets),
            percent(1 / loss.meanBurstPackets),
          ];
  return ["limit", "100000", "delay", ...middle, ...losses];
}

function netem(name: string, verb: string, args: readonly string[]): string[] {
  return ["tc", "-n", name, "qdisc", verb, "dev", "to-c", "root", "netem", ...args];
}

/** Run commands until one fails: what it said. */
function firstProblem(commands: readonly (readonly string[])[]): string | undefined {
  for (const [program, ...args] of commands) {
    const { status, stderr, error } = spawnSync(program!, args, { encoding: "utf8" });
    if (status !== 0) return `${program} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`;
  }
  return undefined;
}

/** What tc counts of a packet beside what the application sends. */
const ETHERNET_IP_UDP_BYTES = 14 + 20 + 8;
