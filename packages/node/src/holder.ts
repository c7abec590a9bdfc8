import {
  type AttachedClient,
  createOverlay,
  type Identity,
  type OverlayNode,
  serveAttached,
} from "@meshstream/mdp-transport";
import type { SealedTransport } from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";
import type { HomeSeat } from "./home-lock.ts";
import { openKeyring } from "./keyring.ts";
import type { NodeAccess } from "./node-mesh.ts";
import { parseSocketAddress } from "./socket-address.ts";
import { socketStream } from "./socket-stream.ts";
import { openUdp, type UdpOptions, type UdpTransport } from "./udp.ts";

export interface HolderOptions extends UdpOptions {
  readonly home: string;
  readonly core: Core;
  readonly peers: readonly string[];
}

/**
 * Start the node of a home in this process and serve it to attached programs. Rejects with MspError "keyring" or
 * "transport-start"; the seat is released then, as it is when the transport is closed.
 */
export async function holdHome(seat: HomeSeat, options: HolderOptions): Promise<NodeAccess> {
  try {
    const identities = await openKeyring(options.home).listOrCreate();
    const udp = await openUdp(options);
    return await startNode(seat, options, identities, udp).catch(async (error) => {
      await udp.close();
      throw error;
    });
  } catch (error) {
    await seat.release();
    throw error;
  }
}

async function startNode(
  seat: HomeSeat,
  { core, peers, broadcast }: HolderOptions,
  identities: readonly Identity[],
  udp: UdpTransport,
): Promise<NodeAccess> {
  const links = [{ transport: udp, peers, broadcast }];
  const node = await createOverlay({ core, clock: systemClock, entropy: systemEntropy, identities, links });
  const clients = serveClients(seat, node, udp);
  const retire = () => seat.onClient((socket) => socket.destroy());
  const transport: SealedTransport = {
    core,
    identities: node.identities,
    bind: (local, receive) => node.bind(local, receive),
    onLost: (handle) => node.onLost(handle),
    close: async () => {
      retire();
      for (const client of clients) client.close();
      // The UDP port before the home: the next holder will want it.
      await node.close();
      await seat.release();
    },
  };
  return {
    role: "holder",
    transport,
    bound: udp.local,
    neighbours: async () => node.neighbours(),
    routes: async () => node.routes(),
    publishService: (name, port) => node.publishService(name, port),
    retire,
  };
}

function serveClients(seat: HomeSeat, node: OverlayNode, udp: UdpTransport): ReadonlySet<AttachedClient> {
  const clients = new Set<AttachedClient>();
  const management = {
    status: () => ({ bound: udp.local }),
    neighbours: () => node.neighbours(),
    routes: () => node.routes(),
    addPeer: (address: string) => {
      parseSocketAddress(address, 1);
      node.addPeer(0, address);
    },
    publishService: (name: string, port: number) => node.publishService(name, port),
  };
  seat.onClient((socket) => {
    const client = serveAttached(node, socketStream(socket), management);
    clients.add(client);
    socket.once("close", () => clients.delete(client));
  });
  return clients;
}
