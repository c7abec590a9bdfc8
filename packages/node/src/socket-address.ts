import { isIPv4, isIPv6 } from "node:net";
import { type LinkAddress, MspError } from "@meshstream/msp";

/** An IP address and a UDP port. */
export interface SocketAddress {
  /** IPv4, or IPv6 without brackets. */
  readonly host: string;
  readonly family: 4 | 6;
  /** 0..65535; 0 asks for any free port and is no destination. */
  readonly port: number;
}

/**
 * "ADDR:PORT" or "[ADDR6]:PORT", with a port of `lowestPort` to 65535. Names are not looked up.
 * Throws MspError "address" that says what was wrong and what would be right.
 *
 * @example parseSocketAddress("127.0.0.1:4110", 1).port // 4110
 */
export function parseSocketAddress(text: string, lowestPort: 0 | 1): SocketAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const family = bracketed === undefined ? (isIPv4(host) ? 4 : undefined) : isIPv6(host) ? 6 : undefined;
  const port = Number(digits);
  if (digits === undefined)
    throw wrong(text, isIPv6(text) ? "an IPv6 address stands in brackets" : "it is not ADDR:PORT");
  if (family === undefined) throw wrong(text, `"${host}" is no IP address`);
  if (port < lowestPort || port > 65535) throw wrong(text, `ports go from ${lowestPort} to 65535`);
  return { host, family, port };
}

/** The opposite of {@link parseSocketAddress}. */
export function formatSocketAddress(host: string, port: number): LinkAddress {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function wrong(text: string, why: string): MspError {
  return new MspError(
    "address",
    `not a socket address: "${text}": ${why} (such as 192.0.2.7:4110 or [2001:db8::7]:4110)`,
  );
}
