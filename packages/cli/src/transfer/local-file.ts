import { constants, type Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { FileSource } from "./sender.ts";

/** Bytes read from a file at a time: all that a file being sent holds in memory. */
export const READ_CHUNK_BYTES = 65_536;

/** A file of this machine cannot be read as it was offered. */
export class LocalFileError extends Error {
  override readonly name = "LocalFileError";
}

/**
 * Look at a file that is to be sent; it is opened again, for its bytes, when its turn comes.
 * Rejects with a LocalFileError if it cannot be opened or is no regular file.
 *
 * @example await sendFiles(socket, [await describeLocalFile("report.pdf")]);
 */
export async function describeLocalFile(path: string): Promise<FileSource> {
  await using file = await openRegular(path);
  const { size, mode, mtimeMs } = file.stats;
  return {
    offer: { name: basename(resolve(path)), sizeBytes: size, mode: mode & 0o777, modifiedMs: mtimeMs },
    read: () => readExactly(path, size),
  };
}

async function* readExactly(path: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  await using file = await openRegular(path);
  const buffer = new Uint8Array(READ_CHUNK_BYTES);
  for (let position = 0; position < sizeBytes; ) {
    const wanted = Math.min(buffer.length, sizeBytes - position);
    const { bytesRead } = await attempt(path, () => file.handle.read(buffer, 0, wanted, position));
    if (bytesRead === 0) {
      throw new LocalFileError(
        `${path}: it became shorter while it was sent (${position} of ${sizeBytes} bytes)`,
      );
    }
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function openRegular(path: string) {
  // To open a device may do something, and to open a pipe would wait for its writer: look first.
  checkRegular(path, await attempt(path, () => stat(path)));
  const handle = await attempt(path, () => open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  const close = () => handle.close().catch(() => undefined);
  try {
    const stats = await attempt(path, () => handle.stat());
    checkRegular(path, stats);
    return { handle, stats, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function checkRegular(path: string, stats: Stats): void {
  if (stats.isDirectory()) throw new LocalFileError(`${path}: is a folder, and only files can be sent`);
  if (!stats.isFile()) throw new LocalFileError(`${path}: is no regular file`);
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new LocalFileError(`${path}: ${describeFsError(cause)}`, { cause });
  }
}

/** One clause about a failed file operation, without the path and the call. */
export function describeFsError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && FS_ERRORS[code]) || message;
}

const FS_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "disk quota exceeded",
  EEXIST: "it exists already",
  EFBIG: "too large for the file system",
  EIO: "the device failed",
  EISDIR: "is a folder",
  ENOENT: "no such file or folder",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "is no folder",
  EPERM: "not permitted",
  EPIPE: "the reader closed the pipe",
  EROFS: "the file system is read-only",
};
