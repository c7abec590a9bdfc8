import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Process } from "../links/process.ts";
import type { RelayReport, RelayRequest } from "../links/relay.ts";
import { type Figures, figuresOf, intervalMs, PACKET_BYTES, type Stream } from "./stream.ts";

/** Where the two ends of a stream in real time are. */
export interface Ends {
  /** Put before the command of each end, such as `ip netns exec NAME`. */
  readonly sender: readonly string[];
  readonly receiver: readonly string[];
  readonly receiverAddress: string;
  readonly receiverPort: number;
  /** Where the sender sends to. */
  readonly address: string;
  readonly port: number;
  /** Where the receiver says hello to, on 127.0.0.1. */
  readonly helloPort?: number;
  /** Bytes that the emulator counts and the application does not see. */
  readonly headerBytes: number;
}

/** The stream between two processes, in real time. */
export async function realTime(stream: Stream, ends: Ends): Promise<Figures> {
  const { sender, receiver, helloPort = "" } = ends;
  const receiving = start(receiver, ["receive", ends.receiverAddress, ends.receiverPort, helloPort]);
  try {
    let output = "";
    receiving.stdout!.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    while (!output.startsWith("ready\n")) {
      if (receiving.exitCode !== null) throw new Error(`the receiver ended (${receiving.exitCode})`);
      await delay(20);
    }
    const bytes = PACKET_BYTES - ends.headerBytes;
    const isSteady = stream.load < 1 ? 1 : 0;
    const pace = [intervalMs(stream), stream.packets, isSteady];
    const sending = start(sender, ["send", ends.address, ends.port, bytes, ...pace]);
    const [code] = await once(sending, "exit");
    if (code !== 0) throw new Error(`the sender ended (${code})`);
    // What is still in a queue or on its way.
    await delay(1000);
    receiving.stdin!.end();
    await once(receiving, "close");
    const lines = output.trim().split("\n").slice(1);
    return figuresOf(
      stream,
      lines.map((line) => {
        const [atMs, tookMs] = line.split(" ").map(Number) as [number, number];
        return { atMs, tookMs };
      }),
    );
  } finally {
    receiving.kill("SIGKILL");
  }
}

/** The stream through the relay of the comparison with udx-native. */
export async function throughRelay(stream: Stream): Promise<Figures> {
  const relay = new Process<RelayReport>("relay");
  try {
    relay.ask({ link: stream.link, seed: 1 } satisfies RelayRequest);
    const { ports } = await relay.next(30_000);
    return await realTime(stream, {
      sender: [],
      receiver: [],
      receiverAddress: "127.0.0.1",
      receiverPort: 0,
      address: "127.0.0.1",
      port: ports[0],
      helloPort: ports[1],
      headerBytes: 0,
    });
  } finally {
    relay.end();
  }
}

function start(before: readonly string[], args: readonly (string | number)[]): ChildProcess {
  const script = fileURLToPath(new URL("./process.ts", import.meta.url));
  const given = args.map(String).filter((text) => text !== "");
  const [program, ...rest] = [...before, process.execPath, "--import", "tsx", script, ...given];
  return spawn(program!, rest, { stdio: ["pipe", "pipe", "inherit"] });
}
