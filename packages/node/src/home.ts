import { mkdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { MspError } from "@meshstream/msp";

/** The folder of a person's node unless another is named: MSP_HOME of the environment, else ~/.meshstream. */
export function defaultHome(): string {
  return process.env.MSP_HOME || join(homedir(), ".meshstream");
}

/**
 * Make the folder of a home if it is missing (mode 0700). Resolves with its absolute path; rejects with MspError "keyring" if it cannot be had,
 * or if others may write to it: they could put their own keyring or socket there; and with "transport-start", nothing made,
 * if the path is too long for a socket in it.
 */
export async function prepareHome(home: string): Promise<string> {
  const path = resolve(home);
  checkHomeLength(path);
  let mode: number;
  try {
    await makeFolder(path);
    mode = (await stat(path)).mode;
  } catch (cause) {
    throw new MspError("keyring", `cannot use ${path} as a home: ${reasonOf(cause)}`, { cause });
  }
  if ((mode & 0o022) !== 0) {
    throw new MspError(
      "keyring",
      `others may write to ${path}: as a home it must be yours alone (chmod 700 ${path})`,
    );
  }
  return path;
}

/** Throws MspError "transport-start" if the path of a home is too long for the sockets in it. */
export function checkHomeLength(home: string): void {
  if (process.platform === "win32") return;
  const most = (process.platform === "linux" ? 107 : 103) - Buffer.byteLength("/node-00000000.sock");
  const bytes = Buffer.byteLength(home);
  if (bytes <= most) return;
  throw new MspError(
    "transport-start",
    `the path of a home has at most ${most} bytes, for the sake of the socket in it, but this one has ${bytes}: ${home}`,
  );
}

/** Make a folder and those above it, unless they exist. Node's own way to do so never ends where nothing can be made, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeOneFolder(path);
  } catch (error) {
    const parent = dirname(path);
    if (!hasCode(error, "ENOENT") || parent === path) throw error;
    await makeFolder(parent);
    await makeOneFolder(path);
  }
}

async function makeOneFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // Some systems have other reasons than EEXIST to make no folder that is there.
    const isThere = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isThere) throw error;
  }
}

/** A failed system call in a few words, such as "EACCES: permission denied". */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split(",")[0] ?? cause.message) : String(cause);
}

/** Whether a system call failed with this code, such as "ENOENT". */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
