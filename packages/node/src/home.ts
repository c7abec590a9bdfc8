import { mkdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { MspError } from "@meshstream/msp";

/** The folder of a person's node unless another is named: MSP_HOME of the environment, else ~/.meshstream. */
export function defaultHome(): string {
  return process.env.MSP_HOME || join(homedir(), ".meshstream");
}

/**
 * Make the folder of a home if it is missing (mode 0700). Resolves with its absolute path; rejects with MspError "keyring" if it cannot be had,
 * or if others may write to it: they could put their own keyring or socket there.
 */
export async function prepareHome(home: string): Promise<string> {
  const path = resolve(home);
  let mode: number;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
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

/** A failed system call in a few words, such as "EACCES: permission denied". */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split(",")[0] ?? cause.message) : String(cause);
}

/** Whether a system call failed with this code, such as "ENOENT". */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
