/** What is wrong with bytes from the peer. Parsers return it; network bytes never throw. */
export class Fault {
  /** One clause, such as "an OFFER of 3 bytes". */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The peer broke the file transfer protocol: the session ends. */
export class TransferError extends Error {
  override readonly name = "TransferError";
}

/** `value` unless it is a fault; a fault ends the session with a TransferError. */
export function expectMeaning<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new TransferError(value.reason);
  return value;
}
