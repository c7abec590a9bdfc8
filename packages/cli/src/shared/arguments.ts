import { type Address, MAX_PORT, Sid } from "@meshstream/msp";
import { FILE_TRANSFER_PORT } from "../transfer/records.ts";
import { UsageError } from "./exit-codes.ts";

/** An MDP port as typed. Throws a UsageError. */
export function parsePortText(text: string): number {
  const port = Number(text);
  if (!/^\d{1,10}$/.test(text) || port < 1 || port > MAX_PORT) {
    throw new UsageError(`not an MDP port: "${text}" (a whole number, 1 to ${MAX_PORT})`);
  }
  return port;
}

/** SID[:PORT] as typed; without a port, that of `msp receive`. */
export function parseTarget(text: string): Address {
  const colon = text.indexOf(":");
  if (colon < 0) return { sid: Sid.fromHex(text), port: FILE_TRANSFER_PORT };
  return { sid: Sid.fromHex(text.slice(0, colon)), port: parsePortText(text.slice(colon + 1)) };
}

/** A whole number of at least `lowest`, as typed for `option`. */
export function parseCount(option: string, text: string, lowest: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < lowest || !Number.isSafeInteger(value)) {
    throw new UsageError(`${option} needs a whole number of at least ${lowest}, not "${text}"`);
  }
  return value;
}

/** Whom the SIDs of --allow let in: everybody, if there is none. Throws MspError "address". */
export function parseAllow(texts: readonly string[] | undefined): (sid: Sid) => boolean {
  if (texts === undefined) return () => true;
  const allowed = new Set(texts.map((text) => Sid.fromHex(text).hex));
  return (sid) => allowed.has(sid.hex);
}

/** For commander: gathers an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
