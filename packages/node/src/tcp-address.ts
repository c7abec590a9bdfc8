import { isIPv4, isIPv6 } from "node:net";
import { MspError } from "@meshstream/msp";

/** Where a TCP connection goes to, or is waited for. */
export interface TcpAddress {
  /** A host name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 0..65535; 0 asks for any free port and is no destination. */
  readonly port: number;
}

/**
 * "PORT", which is on 127.0.0.1, "HOST:PORT" or "[ADDR6]:PORT", with a port of `lowestPort` to 65535. A name is looked up
 * when it is used, not here. Throws MspError "address" that says what was wrong and what would be right.
 *
 * @example parseTcpAddress("8080", 1) // { host: "127.0.0.1", port: 8080 }
 */
export function parseTcpAddress(text: string, lowestPort: 0 | 1): TcpAddress {
  const [, bracketed, plain, digits] = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined) {
    throw wrong(
      text,
      isIPv6(text) ? "an IPv6 address stands in brackets" : "it is neither PORT nor HOST:PORT",
    );
  }
  const host = bracketed ?? plain ?? LOOPBACK;
  if (bracketed === undefined ? !isName(host) : !isIPv6(host)) {
    throw wrong(text, `"${host}" is neither an IP address nor the name of a host`);
  }
  if (port < lowestPort || port > 65535) throw wrong(text, `ports go from ${lowestPort} to 65535`);
  return { host, port };
}

/** The opposite of {@link parseTcpAddress}, with the host always. */
export function formatTcpAddress({ host, port }: TcpAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach the address. */
export function isLoopback({ host }: TcpAddress): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** An IPv4 address or a host name. Digits and dots that are no address are a typing error, not a name. */
function isName(text: string): boolean {
  if (/^[\d.]*$/.test(text)) return isIPv4(text);
  return text.length <= 253 && /^[a-z\d_]([a-z\d._-]*[a-z\d_])?\.?$/i.test(text);
}

function wrong(text: string, why: string): MspError {
  return new MspError("address", `not a TCP address: "${text}": ${why} (such as 8080 or 192.0.2.7:8080)`);
}

const LOOPBACK = "127.0.0.1";
