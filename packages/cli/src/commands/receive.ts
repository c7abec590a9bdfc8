import type { MspListener, MspSocket, Sid } from "@meshstream/msp";
import type { Command } from "commander";
import { collect, parseCount, parsePortText } from "../shared/arguments.ts";
import { adopt } from "../shared/connection.ts";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, exitCodeOf } from "../shared/exit-codes.ts";
import { formatBytes, printable } from "../shared/format.ts";
import { Permission } from "../shared/permission.ts";
import { withMesh } from "../shared/with-mesh.ts";
import { Directory } from "../transfer/directory.ts";
import {
  type PartialFile,
  type ReceivedFile,
  type ReceiverObserver,
  receiveFiles,
} from "../transfer/receiver.ts";
import { FILE_TRANSFER_PORT, type Offer, RefuseReason } from "../transfer/records.ts";

interface ReceiveOptions {
  readonly from?: readonly string[];
  readonly once?: boolean;
  readonly maxBytes?: string;
  readonly port: string;
}

/** `msp receive [DIR]`: takes the files of `msp send`. */
export function addReceive(program: Command, execute: Execute): void {
  program
    .command("receive")
    .description("receive the files that peers send with msp send")
    .argument("[DIR]", "the folder for them", ".")
    .option(
      "--from <SID>",
      'accept files from this peer (may be given several times), or "any"; without it, you are asked at a terminal',
      collect,
    )
    .option("--once", "end with the first session of a peer that may send, however it went")
    .option("--max-bytes <N>", "largest file to accept, in bytes")
    .option("--port <PORT>", "the MDP port to listen on", String(FILE_TRANSFER_PORT))
    .addHelpText("after", EXAMPLES)
    .action((path: string, options: ReceiveOptions, command: Command) =>
      execute(command, { stdoutCarriesData: false }, (context) => receive(context, path, options)),
    );
}

async function receive(context: Context, path: string, options: ReceiveOptions): Promise<number> {
  const port = parsePortText(options.port);
  const permission = new Permission(context, options.from);
  const maxBytes =
    options.maxBytes === undefined ? {} : { maxBytes: parseCount("--max-bytes", options.maxBytes, 0) };
  const directory = await Directory.open(path, maxBytes);
  const { report, interruption } = context;
  return withMesh(context, async (mesh) => {
    await using listener = await mesh.listen(port, { signal: interruption.signal });
    const { hex } = mesh.identities[0]!;
    const bound = mesh.bound === undefined ? {} : { bound: mesh.bound };
    report.note(
      { event: "listening", sid: hex, port, ...bound },
      `waiting for files on port ${port} of ${hex}${mesh.bound === undefined ? "" : `, UDP ${mesh.bound}`}`,
    );
    if (!permission.canBeGiven) {
      report.note(
        { event: "warning", reason: "no-from" },
        "every file will be refused: there is no --from, and no terminal to ask at",
      );
    }
    return await new Reception(context, listener, directory, permission, options.once ?? false).run();
  });
}

/** What a session came to; `counts` if it was of a peer that may send. */
interface SessionEnd {
  readonly exitCode: number;
  readonly counts: boolean;
}

/** Serves many sessions at a time, at most {@link SESSIONS_LIMIT}. */
class Reception {
  readonly #context: Context;
  readonly #listener: MspListener;
  readonly #directory: Directory;
  readonly #permission: Permission;
  readonly #once: boolean;
  readonly #sessions = new Map<MspSocket, Promise<SessionEnd>>();

  constructor(
    context: Context,
    listener: MspListener,
    directory: Directory,
    permission: Permission,
    once: boolean,
  ) {
    this.#context = context;
    this.#listener = listener;
    this.#directory = directory;
    this.#permission = permission;
    this.#once = once;
  }

  /** Resolves to an exit code: with --once at the end of the first session that counts, else when the listener is closed. */
  async run(): Promise<number> {
    try {
      return await new Promise((resolve, reject) => {
        this.#acceptAll((end) => {
          if (this.#once && end.counts) resolve(end.exitCode);
        }).then(() => resolve(ExitCode.CONNECTION), reject);
      });
    } finally {
      // Sessions under way end here, and their partial files are removed before the command ends.
      for (const socket of this.#sessions.keys()) socket.stop();
      await Promise.all(this.#sessions.values());
    }
  }

  async #acceptAll(onEnd: (end: SessionEnd) => void): Promise<void> {
    for await (const socket of this.#listener) {
      const sid = socket.remote.sid.hex;
      if (this.#sessions.size >= SESSIONS_LIMIT) {
        socket.stop();
        this.#context.report.note(
          { event: "refused", sid, reason: "busy" },
          `refused ${sid}: too many at a time`,
        );
        continue;
      }
      const session = this.#serve(socket);
      this.#sessions.set(socket, session);
      void session.then((end) => {
        this.#sessions.delete(socket);
        onEnd(end);
      });
    }
  }

  /** Never rejects. */
  async #serve(socket: MspSocket): Promise<SessionEnd> {
    const { report, interruption } = this.#context;
    const { sid } = socket.remote;
    let mayCount = false;
    try {
      const files = await adopt(this.#context, socket).run(() =>
        receiveFiles(
          socket,
          async (offer) => {
            const file = await this.#takeOffer(sid, offer, socket);
            mayCount = true;
            return file;
          },
          new ReceiveReport(this.#context, sid),
        ),
      );
      return { exitCode: exitCodeOfSession(files), counts: mayCount || this.#permission.isGiven(sid) };
    } catch (error) {
      const exitCode = exitCodeOf(error);
      if (interruption.exitCode === undefined) report.error(error, exitCode);
      return { exitCode, counts: mayCount || this.#permission.isGiven(sid) };
    }
  }

  async #takeOffer(sid: Sid, offer: Offer, socket: MspSocket): Promise<PartialFile> {
    await this.#permission.check(sid, offer, socket);
    return this.#directory.begin(offer);
  }
}

/** A session is done when each of its files is. */
function exitCodeOfSession(files: readonly ReceivedFile[]): number {
  const refusals = files.flatMap((file) => (file.result === "refused" ? [file.refusal] : []));
  const local = refusals.find((refusal) => refusal.isLocalFailure);
  if (local !== undefined) return exitCodeOf(local);
  return refusals.length === 0 ? ExitCode.DONE : ExitCode.CONNECTION;
}

/** Tells about the files of one session. */
class ReceiveReport implements ReceiverObserver {
  readonly #context: Context;
  readonly #sid: Sid;
  #isDenialTold = false;

  constructor(context: Context, sid: Sid) {
    this.#context = context;
    this.#sid = sid;
  }

  progress({ name, sizeBytes }: Offer, doneBytes: number): void {
    this.#context.report.progress({ sid: this.#sid.hex, name, doneBytes, totalBytes: sizeBytes });
  }

  finished(file: ReceivedFile): void {
    const { report } = this.#context;
    const sid = this.#sid.hex;
    const name = printable(file.offer.name);
    if (file.result === "refused") {
      const { reason, message } = file.refusal;
      // One line is enough about a stranger, however many files it offers.
      if (reason === RefuseReason.NOT_ALLOWED && this.#isDenialTold) return;
      this.#isDenialTold = reason === RefuseReason.NOT_ALLOWED;
      report.failure(
        { event: "file", sid, name, result: file.result, reason, text: message },
        `${name}: refused to ${sid}: ${message}`,
      );
      return;
    }
    const { path, sha256, offer } = file;
    const event = { event: "file", sid, name, result: file.result, path, bytes: offer.sizeBytes, sha256 };
    report.note(event, `${name}: ${formatBytes(offer.sizeBytes)} from ${sid}`);
  }

  dropped(offer: Offer): void {
    const { report, interruption } = this.#context;
    // What a signal broke off is no news.
    if (interruption.exitCode !== undefined) return;
    report.failure(
      { event: "file", sid: this.#sid.hex, name: offer.name, result: "broken-off" },
      `${printable(offer.name)} was dropped: it did not come completely`,
    );
  }
}

const SESSIONS_LIMIT = 16;

const EXAMPLES = `
A peer may send if --from names it, or once you accepted it at the prompt; an answer there holds until this command ends,
also a refusal. With --once the first session of such a peer ends the command, even if it broke off: the exit code is 0 if
no file of it was refused or broke off, else 1 (5 if a file could not be written here). Sessions of other peers do not count.

Never overwrites a file, and none leaves DIR. A file comes in under a hidden name and gets its own only when its
SHA-256 was compared. The protocol is described in docs/file-transfer.md.

Examples:
  $ msp receive inbox
  $ msp receive --once --from 57D5...7045 --max-bytes 100000000 inbox`;
