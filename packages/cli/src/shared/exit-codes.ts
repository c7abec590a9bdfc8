import { MspError, type MspErrorCode } from "@meshstream/msp";
import { CommanderError } from "commander";
import { FileRefusal } from "../transfer/file-refusal.ts";
import { LocalFileError } from "../transfer/local-file.ts";

/** What the command's exit codes mean; 128 + n stands for an end by signal n. */
export const ExitCode = {
  DONE: 0,
  /** The connection failed, was stopped or timed out; or the peer refused. */
  CONNECTION: 1,
  USAGE: 2,
  /** The transport cannot start: the port, or the socket of the home. */
  TRANSPORT_START: 3,
  /** The transport was lost on the way. */
  TRANSPORT_LOST: 4,
  /** Local input or output failed. */
  LOCAL_IO: 5,
} as const;

/** Words that the command line lacks or that mean nothing. The message says what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The one place where errors become exit codes. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof MspError) return EXIT_CODES[error.code];
  if (error instanceof UsageError) return ExitCode.USAGE;
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.USAGE;
  if (error instanceof LocalFileError) return ExitCode.LOCAL_IO;
  if (error instanceof FileRefusal && error.isLocalFailure) return ExitCode.LOCAL_IO;
  return ExitCode.CONNECTION;
}

const EXIT_CODES: Readonly<Record<MspErrorCode, number>> = {
  address: ExitCode.USAGE,
  argument: ExitCode.USAGE,
  state: ExitCode.CONNECTION,
  "message-size": ExitCode.CONNECTION,
  again: ExitCode.CONNECTION,
  "port-in-use": ExitCode.TRANSPORT_START,
  timeout: ExitCode.CONNECTION,
  stopped: ExitCode.CONNECTION,
  aborted: ExitCode.CONNECTION,
  "transport-start": ExitCode.TRANSPORT_START,
  "transport-lost": ExitCode.TRANSPORT_LOST,
  keyring: ExitCode.LOCAL_IO,
};
