import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, Link, type LinkConfig, type LinkStats, type Random } from "@meshstream/netem";
import { systemClock } from "@meshstream/node";

/** What the relay is asked to be. */
export interface RelayRequest {
  /** From side 0 to side 1; the way back is alike. */
  readonly link: Partial<LinkConfig>;
  readonly seed: number;
}

/** What it tells when it is ready, and once more when it is asked to end. */
export interface RelayReport {
  /** UDP ports on 127.0.0.1, one for each side. */
  readonly ports: readonly [number, number];
  /** Of the data direction. */
  readonly stats: LinkStats;
  /** Largest datagram so far, in bytes. */
  readonly largestBytes: number;
}

interface Datagram {
  readonly bytes: Uint8Array;
}

/**
 * A process that is an emulated link: what comes in at one UDP socket on 127.0.0.1 goes out at the other, late or not at
 * all. Each side sends to whoever spoke to it last.
 */
async function serve({ link, seed }: RelayRequest): Promise<() => RelayReport> {
  await rehearse();
  const { sockets, links, largestBytes } = await bridge(link, createRandom(seed));
  const ports = [portOf(sockets[0]), portOf(sockets[1])] as const;
  return () => ({ ports, stats: { ...links[1].stats }, largestBytes: largestBytes() });
}

/** Two sockets, and between them the link each way: `links[0]` leads to `sockets[0]`. */
async function bridge(config: Partial<LinkConfig>, random: Random) {
  const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
  const peers: ({ port: number; address: string } | undefined)[] = [undefined, undefined];
  let largestBytes = 0;
  const linkTo = (side: 0 | 1) =>
    new Link<Datagram>({
      clock: systemClock,
      random: random.fork(),
      config,
      sizeBytes: ({ bytes }) => bytes.length,
      deliver: ({ bytes }) => {
        const peer = peers[side];
        if (peer !== undefined) sockets[side].send(bytes, peer.port, peer.address);
      },
    });
  const links = [linkTo(0), linkTo(1)] as const;
  for (const side of [0, 1] as const) {
    await open(sockets[side]);
    sockets[side].on("message", (bytes, from) => {
      peers[side] = from;
      if (side === 0) largestBytes = Math.max(largestBytes, bytes.length);
      links[side === 0 ? 1 : 0].send({ bytes });
    });
  }
  return { sockets, links, largestBytes: () => largestBytes };
}

/**
 * A process that has just started takes ten times as long for a packet as it will: a link does not. So plain datagrams cross a
 * bridge like the real one first, at the rate of the fastest link that is measured, until it keeps up.
 */
async function rehearse(): Promise<void> {
  const { sockets, links } = await bridge(
    { rateBitsPerSecond: REHEARSAL_BITS_PER_SECOND, delayMs: 2 },
    createRandom(1),
  );
  const ends = [createSocket("udp4"), createSocket("udp4")] as const;
  for (const end of ends) await open(end);
  const bytes = new Uint8Array(REHEARSAL_BYTES);
  const perMs = REHEARSAL_BITS_PER_SECOND / 8000 / REHEARSAL_BYTES;
  const startMs = performance.now();
  for (let sent = 0; sent < REHEARSAL_DATAGRAMS; ) {
    for (const dueCount = (performance.now() - startMs) * perMs; sent < dueCount; sent++) {
      for (const side of [0, 1] as const) ends[side].send(bytes, portOf(sockets[side]), "127.0.0.1");
    }
    await delay(1);
  }
  while (links.some(({ queuedPackets, inFlightPackets }) => queuedPackets + inFlightPackets > 0))
    await delay(1);
  for (const socket of [...sockets, ...ends]) socket.close();
}

const REHEARSAL_BITS_PER_SECOND = 50e6;
const REHEARSAL_BYTES = 1100;
const REHEARSAL_DATAGRAMS = 4000;

function portOf(socket: Socket): number {
  return socket.address().port;
}

async function open(socket: Socket): Promise<void> {
  // A program that has ended leaves refusals behind: to a relay they are losses like any other.
  socket.on("error", () => undefined);
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.setRecvBufferSize(4 << 20);
}

let report: (() => RelayReport) | undefined;
process.on("message", async (request: RelayRequest | "end") => {
  if (request !== "end") report = await serve(request);
  process.send!(report!());
});
