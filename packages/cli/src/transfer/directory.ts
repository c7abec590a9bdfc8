import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, type FileHandle, link, lstat, open, rename, stat, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileNameFault } from "./file-name.ts";
import { FileRefusal } from "./file-refusal.ts";
import { describeFsError, LocalFileError } from "./local-file.ts";
import type { PartialFile } from "./receiver.ts";
import { type Offer, RefuseReason } from "./records.ts";

/** What of the file system {@link Directory} can be told to do differently, for tests. */
export interface DirectoryOptions {
  /** Largest file that is taken, in bytes. Default: no limit but the disk. */
  readonly maxBytes?: number;
  /** Free bytes on the disk. Default: asks the system. */
  readonly freeBytes?: (path: string) => Promise<number>;
  /** Makes a second name for a file, failing if it exists. Default: a hard link. */
  readonly link?: (from: string, to: string) => Promise<void>;
  /** Whether names must also suit Windows. Default: on Windows. */
  readonly windows?: boolean;
}

/**
 * A folder that takes files: never overwrites, never writes outside, and shows a file under its name only when it
 * is complete. Until then it is a hidden file beside, `.msp-` and 16 hex digits and `.part`.
 *
 * @example
 * const directory = await Directory.open("inbox");
 * await receiveFiles(socket, (offer) => directory.begin(offer));
 */
export class Directory {
  readonly path: string;
  readonly #maxBytes: number;
  readonly #freeBytes: (path: string) => Promise<number>;
  readonly #link: (from: string, to: string) => Promise<void>;
  readonly #windows: boolean;

  private constructor(path: string, options: DirectoryOptions) {
    this.path = path;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#freeBytes = options.freeBytes ?? freeBytesOf;
    this.#link = options.link ?? link;
    this.#windows = options.windows ?? process.platform === "win32";
  }

  /** Rejects with a LocalFileError unless `path` is a folder that can be written to. */
  static async open(path: string, options: DirectoryOptions = {}): Promise<Directory> {
    try {
      if (!(await stat(path)).isDirectory()) throw new LocalFileError(`${path}: is no folder`);
      await access(path, constants.W_OK | constants.X_OK);
    } catch (cause) {
      if (cause instanceof LocalFileError) throw cause;
      throw new LocalFileError(`${path}: ${describeFsError(cause)}`, { cause });
    }
    return new Directory(path, options);
  }

  /** Check an offer and begin its file. Rejects with a FileRefusal. */
  async begin(offer: Offer): Promise<PartialFile> {
    const fault = fileNameFault(offer.name, this.#windows);
    if (fault !== undefined) throw new FileRefusal(RefuseReason.NAME, `the name is not accepted: ${fault}`);
    if (offer.sizeBytes > this.#maxBytes) {
      throw new FileRefusal(
        RefuseReason.TOO_LARGE,
        `larger than the ${this.#maxBytes} bytes that are accepted`,
      );
    }
    const path = join(this.path, offer.name);
    if (await exists(path)) throw new FileRefusal(RefuseReason.EXISTS, EXISTS_TEXT);
    const free = await local(() => this.#freeBytes(this.path));
    if (offer.sizeBytes > free) {
      throw new FileRefusal(RefuseReason.NO_SPACE, "not enough space on the disk");
    }
    const partialPath = join(this.path, `.msp-${randomBytes(8).toString("hex")}.part`);
    // The umask applies; the owner must be able to write, and no bit above the nine is taken from a peer.
    const mode = ((offer.mode ?? 0o666) & 0o777) | 0o600;
    const handle = await local(() => open(partialPath, "wx", mode));
    return new DirectoryFile(handle, partialPath, path, offer, this.#link);
  }
}

class DirectoryFile implements PartialFile {
  readonly #handle: FileHandle;
  readonly #partialPath: string;
  readonly #path: string;
  readonly #offer: Offer;
  readonly #link: (from: string, to: string) => Promise<void>;
  #isOver = false;

  constructor(
    handle: FileHandle,
    partialPath: string,
    path: string,
    offer: Offer,
    link: (from: string, to: string) => Promise<void>,
  ) {
    this.#handle = handle;
    this.#partialPath = partialPath;
    this.#path = path;
    this.#offer = offer;
    this.#link = link;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await local(() => this.#handle.write(bytes, written));
      written += bytesWritten;
    }
  }

  async commit(): Promise<string> {
    try {
      await local(() => this.#finish());
    } catch (error) {
      await this.discard();
      throw error;
    }
    this.#isOver = true;
    return this.#path;
  }

  async discard(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#handle.close().catch(() => undefined);
    await unlink(this.#partialPath).catch(() => undefined);
  }

  async #finish(): Promise<void> {
    const modifiedMs = this.#offer.modifiedMs;
    if (modifiedMs !== undefined && Math.abs(modifiedMs) <= MAX_DATE_MS) {
      const seconds = modifiedMs / 1000;
      // A time that the file system cannot hold is not worth a file.
      await this.#handle.utimes(seconds, seconds).catch(() => undefined);
    }
    await this.#handle.sync();
    await this.#handle.close();
    await this.#giveName();
    await syncFolder(join(this.#path, ".."));
  }

  /** Never overwrites: a link fails where a rename would replace. */
  async #giveName(): Promise<void> {
    try {
      await this.#link(this.#partialPath, this.#path);
      await unlink(this.#partialPath);
      return;
    } catch (error) {
      if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    // No hard links here (FAT, some network file systems): take the name with an empty file that must be
    // new, then put the partial file in its place.
    await (await open(this.#path, "wx")).close();
    try {
      await rename(this.#partialPath, this.#path);
    } catch (error) {
      await unlink(this.#path);
      throw error;
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw refusalOf(error);
  }
}

async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Make a new name last. Where folders cannot be synced (Windows), the system does what it does. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Run a file operation; what fails becomes a FileRefusal that says why, and nothing local, to the peer. */
async function local<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): FileRefusal {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "EEXIST") return new FileRefusal(RefuseReason.EXISTS, EXISTS_TEXT);
  const reason = NO_SPACE.has(code) ? RefuseReason.NO_SPACE : RefuseReason.IO;
  return new FileRefusal(reason, describeFsError(error), { cause: error });
}

const EXISTS_TEXT = "a file of that name exists";
const MAX_DATE_MS = 8.64e15;
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
