import { type Clock, MspError, type SealedTransport, type Sid } from "@meshstream/msp";
import { ServicePort } from "../overlay/ports.ts";
import { decodeService } from "../overlay/services/service-directory.ts";
import { type AskOptions, ask } from "./ask.ts";

/** A service that a node told of. */
export interface FoundService {
  readonly sid: Sid;
  /** 1 to 256 characters of the other node's choosing: not fit for a terminal as it is. */
  readonly name: string;
  /** 1..4294967295. */
  readonly port: number;
}

/** How many nodes one call of {@link findServices} asks at most: a key agreement of 0.2 ms for each that is new. */
export const FIND_SERVICES_SIDS = 256;

/**
 * Ask nodes which services they have (docs/wire.md W9.4), and collect the answers until the time is over: a node without
 * a service does not answer, so there is no earlier end. `sids` are 1 to 256 nodes, each asked with one packet that is not
 * repeated. At most 1024 answers are kept, the first of each service.
 *
 * Rejects with MspError "aborted" (its cause: the signal's reason), "argument" for too many SIDs or a time that is none,
 * and with whatever binding a port throws.
 *
 * @example const services = await findServices(transport, systemClock, node.routes().map(({ sid }) => sid));
 */
export async function findServices(
  transport: SealedTransport,
  clock: Clock,
  sids: readonly Sid[],
  options: AskOptions = {},
): Promise<readonly FoundService[]> {
  if (sids.length < 1 || sids.length > FIND_SERVICES_SIDS) {
    throw new MspError(
      "argument",
      `one asks 1 to ${FIND_SERVICES_SIDS} nodes for services, not ${sids.length}`,
    );
  }
  const asked = new Set(sids.map(({ hex }) => hex));
  const seen = new Set<string>();
  const read = (remote: Sid, remotePort: number, bytes: Uint8Array): FoundService | undefined => {
    if (!asked.has(remote.hex) || remotePort !== ServicePort.SERVICE_DISCOVERY) return undefined;
    const service = decodeService(bytes);
    const key = service && `${remote.hex} ${service.port} ${service.name}`;
    if (key === undefined || seen.has(key)) return undefined;
    seen.add(key);
    return { sid: remote, ...service! };
  };
  const question = {
    to: sids.map((sid) => ({ sid, port: ServicePort.SERVICE_DISCOVERY })),
    payload: QUESTION,
    read,
    enough: MOST_ANSWERS,
  };
  return (await ask(transport, clock, question, options)).map(({ answer }) => answer);
}

/** Any byte will do: what is asked for is everything. */
const QUESTION = Uint8Array.of(0);
const MOST_ANSWERS = 1024;
