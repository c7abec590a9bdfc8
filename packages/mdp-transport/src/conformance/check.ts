import { MspError, type MspErrorCode } from "@meshstream/msp";

// Checks of the suite's own: it depends on no runner and on no assertion library.

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: ${String(actual)}, expected ${String(expected)}`);
}

export function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  check(actual !== undefined, `nothing came, expected ${expected.length} bytes`);
  same(actual.length, expected.length, "bytes");
  const difference = actual.findIndex((byte, i) => byte !== expected[i]);
  check(difference === -1, `byte ${difference} is ${actual[difference]}, expected ${expected[difference]}`);
}

export async function rejects(code: MspErrorCode, act: () => Promise<unknown>): Promise<void> {
  const error: unknown = await act().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  check(error instanceof MspError, `expected an MspError "${code}", got ${String(error)}`);
  same(error.code, code, "code");
}

/** Bytes that tell one packet from another, and a shifted one from itself. */
export function pattern(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 151 + salt * 59 + (i >> 8) + 1) & 0xff);
}
