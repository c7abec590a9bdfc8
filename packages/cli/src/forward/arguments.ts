import { parseCount } from "../shared/arguments.ts";
import { UsageError } from "../shared/exit-codes.ts";
import { parseTcpAddress, type TcpAddress } from "../shared/runtime.ts";

/** The options of a forwarded port, as typed. */
export interface ForwardOptions {
  readonly forward?: string;
  readonly maxConnections?: string;
}

/** A forwarded port. */
export interface Forward {
  readonly address: TcpAddress;
  /** Connections at once. */
  readonly limit: number;
}

/** Undefined without --forward. Throws a UsageError, or MspError "address". */
export function parseForward(
  { forward, maxConnections }: ForwardOptions,
  lowestPort: 0 | 1,
): Forward | undefined {
  if (forward === undefined) {
    if (maxConnections === undefined) return undefined;
    throw new UsageError("--max-connections is for --forward: without it there is one connection at a time");
  }
  const limit =
    maxConnections === undefined ? CONNECTIONS_DEFAULT : parseCount("--max-connections", maxConnections, 1);
  if (limit > CONNECTIONS_MOST) {
    throw new UsageError(`--max-connections goes up to ${CONNECTIONS_MOST}, not ${limit}`);
  }
  return { address: parseTcpAddress(forward, lowestPort), limit };
}

/** Each takes 5 kB while idle and up to 0.8 MB while a reader is slow, all of them together no more than the node's pool. */
const CONNECTIONS_DEFAULT = 128;
/** What one node of MSP holds (MspConfig.connectionsLimit). */
const CONNECTIONS_MOST = 1024;

/** Words for --help that two commands share. */
export const FORWARD_HELP = {
  maxConnections: `with --forward: how many at once, 1 to ${CONNECTIONS_MOST} (default: ${CONNECTIONS_DEFAULT}); further ones are ended`,
} as const;
