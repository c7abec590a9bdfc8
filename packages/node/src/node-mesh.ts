import {
  type AskOptions,
  type DaemonRoute,
  FIND_SERVICES_SIDS,
  type FoundService,
  findServices,
  type KeyAnswer,
  type NeighbourInfo,
  type PingOptions,
  type PublishedService,
  ping,
  type RouteInfo,
  signingKeyOf,
  type TraceResult,
  trace,
} from "@meshstream/mdp-transport";
import { Mesh, type MspConfig, MspError, type SealedTransport, Sid } from "@meshstream/msp";
import type { Engine } from "@meshstream/wasm-core";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";

/** The node behind a mesh: in this process, in the one that holds the home, or a Serval daemon. */
export interface NodeAccess {
  readonly role: "holder" | "attached" | "daemon";
  /** Its close() lets go of the node, and of the home if that is held here. */
  readonly transport: SealedTransport;
  readonly bound: string | undefined;
  neighbours(): Promise<readonly NeighbourInfo[]>;
  routes(): Promise<readonly RouteInfo[]>;
  /** Of a daemon only. */
  readonly daemonRoutes?: () => Promise<readonly DaemonRoute[]>;
  publishService(name: string, port: number): PublishedService;
  /** The mesh begins to close: programs that want to attach had better wait until the home is free. */
  retire(): void;
}

/** MSP on the node of a home. Made by openMesh. */
export class NodeMesh extends Mesh {
  /** "holder": the node lives in this process, until it closes. "attached": in another, and if that ends everything here fails with "transport-lost". "daemon": it is a Serval daemon, and the same holds. */
  readonly role: "holder" | "attached" | "daemon";
  /** Which implementation handles this process's packets. */
  readonly engine: Engine;
  /** The folder of the home, an absolute path; undefined where a daemon is the node. */
  readonly home: string | undefined;
  /** Address of the node's UDP socket, such as "0.0.0.0:4110". */
  readonly bound: string | undefined;
  private readonly access: NodeAccess;

  /** Use openMesh. Throws MspError "argument" for a setting outside its range. */
  constructor(home: string | undefined, access: NodeAccess, config: Partial<MspConfig> | undefined) {
    super({ transport: access.transport, clock: systemClock, entropy: systemEntropy, config });
    this.role = access.role;
    this.engine = access.transport.core.engine;
    this.home = home;
    this.bound = access.bound;
    this.access = access;
  }

  /** The nodes that ours hears directly. Rejects with MspError "transport-lost" if the holder of the home is gone, and "state" where a daemon is the node. */
  neighbours(): Promise<readonly NeighbourInfo[]> {
    return this.access.neighbours();
  }

  /** The nodes that ours reaches, with the way to each. Rejects as {@link neighbours} does. */
  routes(): Promise<readonly RouteInfo[]> {
    return this.access.routes();
  }

  /** What a daemon tells of the nodes that it knows, its own identities among them. Rejects with MspError "transport-lost", and "state" where no daemon is the node. */
  async daemonRoutes(): Promise<readonly DaemonRoute[]> {
    if (this.access.daemonRoutes === undefined) throw new MspError("state", "the node is no Serval daemon");
    return this.access.daemonRoutes();
  }

  /**
   * Tell every node that asks that a service of this name is at this port, until it is closed or this program ends
   * (docs/wire.md W9.4). A name has 1 to 64 visible ASCII characters without "=". Rejects with MspError "argument" for a
   * name or port that is none, "port-in-use" if another program has port 11, "again" if the node has too many services,
   * and "transport-lost"; attached to another program's node, with "address" and the reason for what that refuses.
   *
   * @example const published = await mesh.publishService("chat", 512);
   */
  async publishService(name: string, port: number): Promise<PublishedService> {
    const published = this.access.publishService(name, port);
    await published.ready;
    return published;
  }

  /** As Mesh.close(). A holder takes no more programs from now on; those that are attached lose it at the end. */
  override close(): Promise<void> {
    this.access.retire();
    return super.close();
  }

  /** Send an echo request and time the answer. Rejects with MspError "timeout", "address", "aborted" or "transport-lost". */
  ping(sid: Sid | string, options?: PingOptions): Promise<{ rttMs: number }> {
    return ping(this.transport, systemClock, parseSid(sid), options);
  }

  /** Find out by which nodes packets go to a node and come back. Rejects as {@link ping} does. */
  trace(sid: Sid | string, options?: AskOptions): Promise<TraceResult> {
    return trace(this.transport, systemClock, parseSid(sid), options);
  }

  /** Ask a node for the signing key of its SID, and check the answer. Rejects as {@link ping} does. */
  signingKey(sid: Sid | string, options?: AskOptions): Promise<KeyAnswer> {
    return signingKeyOf(this.transport, systemClock, parseSid(sid), options);
  }

  /**
   * Ask nodes which services they tell of, and wait for `timeoutMs` (default 1000): 1 to 256 SIDs, or, if none are given,
   * our own node and the 255 nearest that it reaches. Rejects with MspError "argument", "address", "aborted" or
   * "transport-lost".
   */
  async findServices(
    sids?: readonly (Sid | string)[],
    options?: AskOptions,
  ): Promise<readonly FoundService[]> {
    const asked = sids?.map(parseSid) ?? (await this.nearest());
    return findServices(this.transport, systemClock, asked, options);
  }

  private async nearest(): Promise<readonly Sid[]> {
    const known = await (this.access.daemonRoutes?.() ?? this.routes());
    const routes = known.filter(({ hops = 0 }) => hops > 0).sort((a, b) => a.hops! - b.hops!);
    return [this.identities[0]!, ...routes.slice(0, FIND_SERVICES_SIDS - 1).map(({ sid }) => sid)];
  }
}

function parseSid(sid: Sid | string): Sid {
  return typeof sid === "string" ? Sid.fromHex(sid) : sid;
}
