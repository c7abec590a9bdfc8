import type { Address, MspError, PacketWriter, SealedBinding, Sid } from "@meshstream/msp";
import type { PortSeeker } from "./bind-requests.ts";

/** What a binding uses of the transport that it belongs to. */
export interface BindingOwner {
  /** Free the port at the daemon, and take the binding out of the tables. */
  unbind(binding: ServaldBinding): void;
  /** The daemon refuses the port for one of the binding's identities. */
  handleRefused(binding: ServaldBinding): void;
}

/** A port at a daemon. One that is bound for all identities is asked for each of them: a daemon gives nothing addressed to an identity to who has bound "all". */
export class ServaldBinding implements SealedBinding, PortSeeker {
  readonly ready: Promise<void>;
  /** The identities to ask for the port for. */
  readonly sids: readonly Sid[];
  private readonly owner: BindingOwner;
  private readonly inner: SealedBinding;
  private readonly settle: (refused?: MspError) => void;
  /** Hex SIDs that the daemon has not given the port for. */
  private readonly missing: Set<string>;
  private given = false;
  private closed = false;

  /** `inner` holds the port on our side, and sends. */
  constructor(owner: BindingOwner, inner: SealedBinding, sids: readonly Sid[]) {
    this.owner = owner;
    this.inner = inner;
    this.sids = sids;
    this.missing = new Set(sids.map(({ hex }) => hex));
    let settle = (_refused?: MspError): void => {};
    this.ready = new Promise((resolve, reject) => {
      settle = (refused) => (refused === undefined ? resolve() : reject(refused));
    });
    this.settle = settle;
    // Nobody need look at it: no unhandled rejection.
    this.ready.catch(() => {});
  }

  get local(): Address {
    return this.inner.local;
  }

  get port(): number {
    return this.inner.local.port;
  }

  /** Whether the daemon has ever given the port, whole. */
  get wasGiven(): boolean {
    return this.given;
  }

  /** Whether the daemon has given the port for this identity. */
  isGiven(sid: Sid): boolean {
    return !this.missing.has(sid.hex);
  }

  send(local: Sid, remote: Address, write: PacketWriter): boolean {
    return this.inner.send(local, remote, write);
  }

  handleBound(sid: Sid): void {
    this.missing.delete(sid.hex);
    if (this.missing.size > 0) return;
    this.given = true;
    this.settle();
  }

  handleRefused(): void {
    this.owner.handleRefused(this);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.inner.close();
    this.owner.unbind(this);
  }

  /** The port is not ours, or no more; `ready` rejects if it had not settled. The daemon is not told. */
  end(error: MspError): void {
    this.closed = true;
    this.inner.close();
    this.settle(error);
  }
}
