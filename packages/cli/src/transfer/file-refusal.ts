import type { RefuseReason } from "./records.ts";

/**
 * A file is not taken, or not taken to its end. `message` is told to the peer: it must not name anything local.
 * `cause` is set where a local input or output failed.
 */
export class FileRefusal extends Error {
  override readonly name = "FileRefusal";
  readonly reason: (typeof RefuseReason)[keyof typeof RefuseReason];

  constructor(reason: FileRefusal["reason"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }

  /** Whether this side's file system failed, rather than the offer being unwelcome. */
  get isLocalFailure(): boolean {
    return this.cause !== undefined;
  }
}
