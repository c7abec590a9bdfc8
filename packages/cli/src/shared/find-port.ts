import { MspError, type Sid } from "@meshstream/msp";
import type { Context } from "./context.ts";
import { findRoute } from "./find-route.ts";
import type { NodeMesh } from "./runtime.ts";

/**
 * The port of the service that `sid` has by this name, the lowest if there are several (docs/wire.md W9.4). Asks again, with
 * more patience each time: a question or an answer may be lost. Rejects with MspError "timeout" if there was none
 * after 8 s, or 11 s where no way to the peer was known, and with the reason of a signal.
 */
export async function findPort(context: Context, mesh: NodeMesh, sid: Sid, name: string): Promise<number> {
  const { report, interruption } = context;
  const { signal } = interruption;
  const seen = new Set<string>();
  await findRoute(context, mesh, sid);
  for (let timeoutMs = FIRST_MS; timeoutMs <= LAST_MS; timeoutMs *= 2) {
    const services = await mesh.findServices([sid], { timeoutMs, signal });
    const ports = services.filter((service) => service.name === name).map(({ port }) => port);
    if (ports.length > 0) {
      const port = Math.min(...ports);
      report.detail({ event: "service", sid: sid.hex, name, port }, `${name} is port ${port} of ${sid.hex}`);
      return port;
    }
    for (const service of services) seen.add(service.name);
  }
  throw new MspError(
    "timeout",
    seen.size > 0
      ? `${sid.hex} has no service "${name}", but ${seen.size} with another name`
      : `${sid.hex} told of no service in 10 s: is it in reach ("msp peers"), and was it started with --service?`,
  );
}

const FIRST_MS = 250;
const LAST_MS = 4000;
