import { UsageError } from "./exit-codes.ts";

/** A number of seconds as typed for `option`, such as 0.2, in milliseconds: `lowestMs` to a day. Throws a UsageError. */
export function parseSeconds(option: string, text: string, lowestMs: number): number {
  const ms = Math.round(Number(text) * 1000);
  if (!/^\d+(\.\d+)?$/.test(text) || ms < lowestMs || ms > DAY_MS) {
    throw new UsageError(
      `${option} needs a number of seconds, ${lowestMs / 1000} to ${DAY_MS / 1000}, not "${text}"`,
    );
  }
  return ms;
}

const DAY_MS = 86_400_000;
