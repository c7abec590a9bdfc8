import { parseService } from "@meshstream/mdp-transport";
import type { MspListener, MspSocket, Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { FORWARD_HELP, type ForwardOptions, parseForward } from "../forward/arguments.ts";
import { forwardIncoming } from "../forward/incoming.ts";
import { collect, parseAllow, parsePortText } from "../shared/arguments.ts";
import { carry } from "../shared/carry.ts";
import { adopt } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, exitCodeOf } from "../shared/exit-codes.ts";
import { Refusals } from "../shared/refusals.ts";
import { formatTcpAddress } from "../shared/runtime.ts";
import { withMesh } from "../shared/with-mesh.ts";

interface ListenOptions extends ForwardOptions {
  readonly once?: boolean;
  readonly allow?: readonly string[];
  readonly service?: string;
}

/** `msp listen PORT`: the other end of `msp connect`. */
export function addListen(program: Command, execute: Execute): void {
  program
    .command("listen")
    .description(
      "wait for peers, one at a time: standard input goes to the peer, what it sends to standard output",
    )
    .argument("<PORT>", "the MDP port to listen on, 1 to 4294967295")
    .option("--once", "end with the first connection, and exit 1 if it failed")
    .option("--allow <SID>", "accept connections from this peer only (may be given several times)", collect)
    .option(
      "--forward <[HOST:]PORT>",
      "a TCP connection to that port (HOST: 127.0.0.1) for each peer, many at once",
    )
    .option("--max-connections <N>", FORWARD_HELP.maxConnections)
    .option("--service <NAME>", "tell nodes that ask which services there are: NAME is at this port")
    .addHelpText("after", EXAMPLES)
    .action((port: string, options: ListenOptions, command: Command) =>
      execute(command, { stdoutCarriesData: true }, (context) => listen(context, port, options)),
    );
}

async function listen(context: Context, portText: string, options: ListenOptions): Promise<number> {
  const port = parsePortText(portText);
  const isAllowed = parseAllow(options.allow);
  const forward = parseForward(options, 1);
  if (options.service !== undefined) parseService(options.service, port);
  const once = options.once ?? false;
  const { report, interruption } = context;
  return withMesh(context, async (mesh) => {
    await using listener = await mesh.listen(port, { signal: interruption.signal });
    const published =
      options.service === undefined ? undefined : await mesh.publishService(options.service, port);
    const { hex } = mesh.identities[0]!;
    const bound = mesh.bound === undefined ? {} : { bound: mesh.bound };
    const toward = forward === undefined ? {} : { forward: formatTcpAddress(forward.address) };
    const named = options.service === undefined ? {} : { service: options.service };
    report.note(
      { event: "listening", sid: hex, port, ...bound, ...toward, ...named },
      `listening on port ${port} of ${hex}${mesh.bound === undefined ? "" : `, UDP ${mesh.bound}`}${forward === undefined ? "" : `, for TCP ${toward.forward}`}`,
    );
    try {
      if (forward === undefined) return await new Door(context, listener, isAllowed, once).run();
      if (options.allow === undefined) {
        report.note(
          { event: "warning", reason: "no-allow", forward: toward.forward },
          `every node of the mesh can reach TCP ${toward.forward}: --allow SID says who may`,
        );
      }
      const { address: target, limit } = forward;
      return await forwardIncoming(context, listener, { target, isAllowed, once, limit });
    } finally {
      published?.close();
    }
  });
}

/** Lets in one peer at a time: standard input and output can serve no more. */
class Door {
  readonly #context: Context;
  readonly #listener: MspListener;
  readonly #isAllowed: (sid: Sid) => boolean;
  readonly #once: boolean;
  readonly #refusals: Refusals;
  readonly #connections = new Set<Promise<number>>();
  /** Whether a connection uses the standard streams. One that waits only for its last acknowledgement does not. */
  #isBusy = false;

  constructor(context: Context, listener: MspListener, isAllowed: (sid: Sid) => boolean, once: boolean) {
    this.#context = context;
    this.#listener = listener;
    this.#isAllowed = isAllowed;
    this.#once = once;
    this.#refusals = new Refusals(context.report);
  }

  /** Resolves to an exit code: with --once that of the first connection, else when no further one can be served. */
  run(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#acceptAll((exitCode) => {
        if (this.#once || exitCode >= ExitCode.TRANSPORT_START) resolve(exitCode);
      }).then(() => resolve(ExitCode.CONNECTION), reject);
    });
  }

  async #acceptAll(onEnd: (exitCode: number) => void): Promise<void> {
    for await (const socket of this.#listener) {
      const fault = this.#faultOf(socket);
      if (fault !== undefined) {
        this.#refuse(socket, fault);
        continue;
      }
      this.#isBusy = true;
      const connection = this.#serve(socket);
      this.#connections.add(connection);
      void connection.then((exitCode) => {
        this.#connections.delete(connection);
        onEnd(exitCode);
      });
    }
    // Closed by a signal, which has stopped the connections, too.
    await Promise.all(this.#connections);
  }

  #faultOf({ remote }: MspSocket): "not-allowed" | "busy" | undefined {
    if (!this.#isAllowed(remote.sid)) return "not-allowed";
    return this.#isBusy ? "busy" : undefined;
  }

  #refuse(socket: MspSocket, reason: "not-allowed" | "busy"): void {
    socket.stop();
    const sid = socket.remote.sid.hex;
    const why = reason === "busy" ? "another connection is open" : "it is not among those given by --allow";
    this.#refusals.add(sid, reason, why, { sid });
  }

  /** Resolves to the exit code that this connection would give; never rejects. */
  async #serve(socket: MspSocket): Promise<number> {
    const { report, stdin, stdout, interruption } = this.#context;
    const sid = socket.remote.sid.hex;
    report.note({ event: "accepted", sid, port: socket.remote.port }, `connected with ${sid}`);
    try {
      await adopt(this.#context, socket).run(async () => {
        try {
          await carry(socket, stdin, stdout);
        } finally {
          this.#isBusy = this.#once;
        }
      });
      report.note({ event: "ended", sid }, `ended with ${sid}`);
      return ExitCode.DONE;
    } catch (error) {
      const exitCode = exitCodeOf(error);
      if (interruption.exitCode === undefined) report.error(error, exitCode);
      return exitCode;
    }
  }
}

const EXAMPLES = `
Without --once it serves one connection after the other until it is interrupted; while one is open, others are stopped.
The end of the input, or the peer's at a terminal, ends this side's direction.
Nothing is acknowledged to the peer before it is written out.
What is typed or piped in while no peer is connected goes to the next one.

With --forward it serves many connections at once, and standard input and output are not used. Each is joined with a TCP
connection of its own: the end of each direction is carried across, and a reset or refusal as a sudden end. Without
--allow every node of the mesh can reach that TCP port.

Examples:
  $ msp listen --once 512 >backup.tar
  $ msp listen --allow 57D5...7045 512 </dev/null
  $ msp listen --forward 22 --allow 57D5...7045 512
  $ msp listen --forward 192.168.1.9:80 --service printer 80`;
