import {
  type AskOptions,
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
import { Mesh, type MspConfig, type SealedTransport, Sid } from "@meshstream/msp";
import type { Engine } from "@meshstream/wasm-core";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";

/** The node behind a mesh: in this process, or in the one that holds the home. */
export interface NodeAccess {
  readonly role: "holder" | "attached";
  /** Its close() lets go of the node, and of the home if that is held here. */
  readonly transport: SealedTransport;
  readonly bound: string | undefined;
  neighbours(): Promise<readonly NeighbourInfo[]>;
  routes(): Promise<readonly RouteInfo[]>;
  publishService(name: string, port: number): PublishedService;
  /** The mesh begins to close: programs that want to attach had better wait until the home is free. */
  retire(): void;
}

/** MSP on the node of a home. Made by openMesh. */
export class NodeMesh extends Mesh {
  /** "holder": the node lives in this process, until it closes. "attached": in another, and if that ends everything here fails with "transport-lost". */
  readonly role: "holder" | "attached";
  /** Which implementation handles this process's packets. */
  readonly engine: Engine;
  /** The folder of the home, an absolute path. */
  readonly home: string;
  /** Address of the node's UDP socket, such as "0.0.0.0:4110". */
  readonly bound: string | undefined;
  private readonly access: NodeAccess;

  /** Use openMesh. Throws MspError "argument" for a setting outside its range. */
  constructor(home: string, access: NodeAccess, config: Partial<MspConfig> | undefined) {
    super({ transport: access.transport, clock: systemClock, entropy: systemEntropy, config });
    this.role = access.role;
    this.engine = access.transport.core.engine;
    this.home = home;
    this.bound = access.bound;
    this.access = access;
  }

  /** The nodes that ours hears directly. Rejects with MspError "transport-lost" if the holder of the home is gone. */
  neighbours(): Promise<readonly NeighbourInfo[]> {
    return this.access.neighbours();
  }

  /** The nodes that ours reaches, with the way to each. Rejects with MspError "transport-lost" if the holder of the home is gone. */
  routes(): Promise<readonly RouteInfo[]> {
    return this.access.routes();
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
   * Ask 1 to 256 nodes which services they tell of, and wait for `timeoutMs` (default 1000). Rejects with MspError
   * "argument", "address", "aborted" or "transport-lost".
   */
  findServices(sids: readonly (Sid | string)[], options?: AskOptions): Promise<readonly FoundService[]> {
    return findServices(this.transport, systemClock, sids.map(parseSid), options);
  }
}

function parseSid(sid: Sid | string): Sid {
  return typeof sid === "string" ? Sid.fromHex(sid) : sid;
}
