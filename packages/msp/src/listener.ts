import type { Sid } from "./address.ts";

/** A local port on which connections are accepted. Made by Endpoint.listen. */
export interface Listener {
  /** The one identity it listens for; undefined for all of the node's. */
  readonly sid: Sid | undefined;
  readonly port: number;
}
