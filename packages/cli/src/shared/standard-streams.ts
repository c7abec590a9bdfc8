import { createReadStream, createWriteStream, fstatSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { describeFsError, LocalFileError } from "../transfer/local-file.ts";

/**
 * Standard input as a place to take bytes from. What was read and not consumed stays, so that a connection that ends
 * early leaves it to the next one. Holds at most one chunk of the stream (64 KiB).
 */
export class StandardInput {
  /** Whether a person sits there. */
  readonly isTerminal: boolean;
  readonly #stream: Readable;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #chunk: Promise<Uint8Array | undefined> | undefined;

  constructor(stream: Readable & { isTTY?: boolean }) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
  }

  /** The bytes that come next; undefined at the end. The same until {@link keep} is called. Rejects with a LocalFileError. */
  peek(): Promise<Uint8Array | undefined> {
    this.#chunk ??= this.#read();
    return this.#chunk;
  }

  /** What is still unused of what {@link peek} resolved to: possibly nothing. */
  keep(rest: Uint8Array): void {
    this.#chunk = rest.length > 0 ? Promise.resolve(rest) : undefined;
  }

  async #read(): Promise<Uint8Array | undefined> {
    this.#iterator ??= this.#stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    try {
      const { value, done } = await this.#iterator.next();
      return done === true ? undefined : value;
    } catch (cause) {
      throw new LocalFileError(`standard input: ${describeFsError(cause)}`, { cause });
    }
  }
}

/** Standard output, where a write counts only when the system has taken the bytes. */
export class StandardOutput {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Every failure reaches the writer through its callback; without a listener it would also end the process.
    stream.on("error", () => undefined);
  }

  /** Resolves when the bytes are written out; they are lent until then. Rejects with a LocalFileError. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (cause) => {
        if (cause === undefined || cause === null) resolve();
        else reject(new LocalFileError(`standard output: ${describeFsError(cause)}`, { cause }));
      });
    });
  }
}

/**
 * This process's standard input. For what it takes for no file, pipe or terminal, such as a block device or a folder, Node
 * gives a stream that is empty: read as a file, the one has its bytes and the other an error.
 */
export function openStandardInput(): StandardInput {
  return new StandardInput(
    isUnknownToNode(0) ? createReadStream("", { fd: 0, autoClose: false }) : process.stdin,
  );
}

/** This process's standard output. What Node does not know would swallow every byte. */
export function openStandardOutput(): StandardOutput {
  return new StandardOutput(
    isUnknownToNode(1) ? createWriteStream("", { fd: 1, autoClose: false }) : process.stdout,
  );
}

function isUnknownToNode(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isBlockDevice() || stat.isDirectory();
}
