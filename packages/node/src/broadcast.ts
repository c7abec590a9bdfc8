import type { NetworkInterfaceInfo } from "node:os";
import type { LinkAddress } from "@meshstream/msp";

/**
 * The broadcast addresses, with `port`, of the networks that a socket bound to `host` is on: of every interface for
 * 0.0.0.0, else of the one that has the address. Loopback and interfaces without a network around them have none.
 */
export function broadcastAddresses(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  host: string,
  port: number,
): readonly LinkAddress[] {
  const addresses = Object.values(interfaces)
    .flatMap((infos) => infos ?? [])
    .filter((info) => info.family === "IPv4" && !info.internal)
    .filter((info) => host === "0.0.0.0" || host === info.address)
    .filter((info) => toNumber(info.netmask) < HOST_PAIR_MASK)
    .map((info) => toText(toNumber(info.address) | ~toNumber(info.netmask)));
  return [...new Set(addresses)].map((address) => `${address}:${port}`);
}

function toNumber(address: string): number {
  return address.split(".").reduce((number, byte) => number * 256 + Number(byte), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** 255.255.255.254: networks of one or two hosts have no broadcast address. */
const HOST_PAIR_MASK = 0xffff_fffe;
