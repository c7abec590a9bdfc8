import { setTimeout as delay } from "node:timers/promises";
import { attach } from "@meshstream/mdp-transport";
import { type MspConfig, MspError, parseConfig } from "@meshstream/msp";
import { type Core, createCore } from "@meshstream/wasm-core";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";
import { holdHome } from "./holder.ts";
import { defaultHome, prepareHome } from "./home.ts";
import { enterHome, type HomeConnection } from "./home-lock.ts";
import { type NodeAccess, NodeMesh } from "./node-mesh.ts";
import { type DaemonPlace, openServald, parseTransport } from "./servald.ts";
import { parseSocketAddress } from "./socket-address.ts";
import { socketStream } from "./socket-stream.ts";
import { DEFAULT_PORT } from "./udp.ts";

export interface OpenMeshOptions {
  /** Folder of the identity and state. {@link defaultHome} if absent. */
  readonly home?: string | undefined;
  /** Where the node's UDP socket is bound: "ADDR:PORT", port 0 for any; "0.0.0.0:4110" if absent. Only a holder has one. */
  readonly bind?: string | undefined;
  /** UDP addresses to seek neighbours at. An attached program hands them on to the holder. */
  readonly peers?: readonly string[] | undefined;
  /** Whether to find neighbours on the local networks by broadcast: true if absent. Only a holder does. */
  readonly broadcast?: boolean | undefined;
  /**
   * What carries packets. "overlay", if absent: a node of our own. "servald": a Serval daemon of this machine, over UDP on 127.0.0.1 (docs/wire.md
   * W10), "servald:PORT" the one at that UDP port, "servald:/PATH" the one with that folder or socket. A daemon has its own identities,
   * neighbours and sockets: home, bind, peers and broadcast mean nothing then.
   */
  readonly transport?: string | undefined;
  /** Which implementation handles packets: "auto" if absent. */
  readonly engine?: "wasm" | "ts" | "auto" | undefined;
  /** Settings of MSP; see MspConfig. */
  readonly config?: Partial<MspConfig> | undefined;
}

/**
 * A working node in one line. The first program that opens a home makes its identity, holds its UDP socket and is its
 * node; later ones attach to that. Close it, or the process does not end.
 *
 * Rejects with MspError "address" or "argument" for options that are none, "keyring" if the home cannot be used, and
 * "transport-start", saying what to do, if the UDP port is taken, or the holder of the home or the daemon does not answer.
 * Memory: the core's pool, 16 MiB, touched only as it is used; in a holder about 4 MiB for the node, and 3 for each attached program at worst.
 *
 * @example
 * const mesh = await openMesh();
 * const socket = await mesh.connect(sid, 512);
 * await socket.send(new TextEncoder().encode("hello"));
 * await socket.close();
 * await mesh.close();
 */
export async function openMesh(options: OpenMeshOptions = {}): Promise<NodeMesh> {
  const { bind = `0.0.0.0:${DEFAULT_PORT}`, peers = [], broadcast = true, engine = "auto", config } = options;
  parseSocketAddress(bind, 0);
  for (const peer of peers) parseSocketAddress(peer, 1);
  parseConfig(config);
  const daemon = parseTransport(options.transport);
  if (daemon !== undefined) {
    return new NodeMesh(undefined, await useDaemon(daemon, await createCore({ engine })), config);
  }
  const home = await prepareHome(options.home ?? defaultHome());
  const core = await createCore({ engine });

  const giveUpAtMs = systemClock.now() + HANDOVER_MS;
  for (;;) {
    const place = await enterHome(home);
    try {
      const access =
        place.role === "holder"
          ? await holdHome(place, { home, core, bind, peers, broadcast })
          : await attachTo(place, core, peers);
      return new NodeMesh(home, access, config);
    } catch (error) {
      if (!(error instanceof MspError) || error.code !== "transport-lost") throw error;
      // The holder is going, or did not get so far as to be one: soon it may be our turn.
      if (systemClock.now() > giveUpAtMs) {
        throw new MspError("transport-start", `the program that holds ${home} is closing; try again later`);
      }
      await delay(HANDOVER_WAIT_MS);
    }
  }
}

async function useDaemon(place: DaemonPlace, core: Core): Promise<NodeAccess> {
  const transport = await openServald(place, core);
  const unknown = (what: string) =>
    Promise.reject(new MspError("state", `a Serval daemon does not tell ${what}: see daemonRoutes()`));
  return {
    role: "daemon",
    transport,
    bound: undefined,
    neighbours: () => unknown("how it fares with its neighbours"),
    routes: () => unknown("what its routes are worth"),
    daemonRoutes: () => transport.routes(),
    publishService: (name, port) => transport.publishService(name, port),
    retire: () => {},
  };
}

async function attachTo(
  { socket }: HomeConnection,
  core: Core,
  peers: readonly string[],
): Promise<NodeAccess> {
  const transport = await attach(core, socketStream(socket), { clock: systemClock, entropy: systemEntropy });
  try {
    for (const peer of peers) await transport.addPeer(peer);
  } catch (error) {
    await transport.close();
    throw error;
  }
  return {
    role: "attached",
    transport,
    bound: transport.status.bound,
    neighbours: () => transport.neighbours(),
    routes: () => transport.routes(),
    publishService: (name, port) => transport.publishService(name, port),
    retire: () => {},
  };
}

/** How long to try again while holders come and go: one whose peer is silent takes 10 s to close its connections. */
const HANDOVER_MS = 15_000;
const HANDOVER_WAIT_MS = 50;
