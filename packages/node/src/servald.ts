import { stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { connectServald, findDaemon, type ServaldTransport } from "@meshstream/mdp-transport";
import { type DatagramTransport, type LinkAddress, MspError } from "@meshstream/msp";
import type { Core } from "@meshstream/wasm-core";
import { systemClock } from "./clock.ts";
import { systemEntropy } from "./entropy.ts";
import { openUdp } from "./udp.ts";
import { openUnixDatagram } from "./unix-datagram.ts";

/** Where a Serval daemon of this machine is: a UDP port of 127.0.0.1, the path of its socket or of its instance folder, or wherever it is found. */
export type DaemonPlace =
  | { readonly kind: "found" }
  | { readonly kind: "udp"; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/**
 * What carries packets: undefined for a node of our own ("overlay", or nothing said), else a Serval daemon: "servald",
 * "servald:PORT" or "servald:/PATH". Throws MspError "argument" for anything else.
 */
export function parseTransport(text: string | undefined): DaemonPlace | undefined {
  if (text === undefined || text === "overlay") return undefined;
  const [, where] = /^servald(?::(.*))?$/.exec(text) ?? [];
  if (text === "servald") return { kind: "found" };
  const port = Number(where);
  if (where !== undefined && /^\d{1,5}$/.test(where) && port >= 1 && port <= 65535) {
    return { kind: "udp", port };
  }
  if (where !== undefined && isAbsolute(where)) return { kind: "unix", path: where };
  throw new MspError(
    "argument",
    `not a transport: "${text}" (overlay; or servald, servald:PORT with a UDP port of 127.0.0.1, servald:/PATH with the path of its folder or socket)`,
  );
}

/**
 * Become a client of a Serval daemon (docs/wire.md W10). Rejects with MspError "transport-start", saying what to do, if it does not answer.
 * If the process exits without closing the transport, the daemon is told so then; it cannot be if the process is killed.
 */
export async function openServald(place: DaemonPlace, core: Core): Promise<ServaldTransport> {
  const { link, daemon } = await openLink(place);
  const options = { core, link, daemon, clock: systemClock, entropy: systemEntropy };
  const transport = await connectServald(options).catch((error: unknown) => {
    throw error instanceof MspError && error.code === "transport-start"
      ? new MspError("transport-start", `${error.message}: ${ADVICE}`, { cause: error })
      : error;
  });
  const farewell = () => void transport.close();
  process.once("exit", farewell);
  transport.closed.then(() => process.off("exit", farewell));
  return transport;
}

async function openLink(place: DaemonPlace): Promise<{ link: DatagramTransport; daemon: LinkAddress }> {
  if (place.kind === "unix") {
    const path = await socketPath(place.path);
    return { link: await openUnixDatagram(path), daemon: path };
  }
  const link = await openUdp({ bind: "127.0.0.1:0", broadcast: false });
  if (place.kind === "udp") return { link, daemon: `127.0.0.1:${place.port}` };
  const daemon = await findDaemon(link, systemClock, UDP_CANDIDATES);
  if (daemon !== undefined) return { link, daemon };
  await link.close();
  throw new MspError(
    "transport-start",
    `no Serval daemon answers on 127.0.0.1, UDP ports ${FIRST_PORT} to ${LAST_PORT}: ${ADVICE}`,
  );
}

/** The daemon's socket, of which the path may name the folder. */
async function socketPath(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? join(path, "mdp.2.socket") : path;
}

/** UDP ports of a daemon (docs/wire.md W10). */
const FIRST_PORT = 4210;
const LAST_PORT = 4260;
const UDP_CANDIDATES = Array.from(
  { length: LAST_PORT - FIRST_PORT + 1 },
  (_, index) => `127.0.0.1:${FIRST_PORT + index}`,
);

const ADVICE =
  'is it running, with its option mdp.enable_inet true? ("servald status" names its mdp_inet_port)';
