import { isIP } from "node:net";
import { UsageError } from "./exit-codes.ts";
import { defaultHome } from "./runtime.ts";

/** The options that every command takes, parsed once. */
export interface Settings {
  readonly home: string;
  /** UDP address of the node, if it was asked for. */
  readonly bind: string | undefined;
  readonly peers: readonly string[];
  readonly broadcast: boolean;
  readonly engine: "wasm" | "ts" | "auto";
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What commander collects for {@link Settings}. */
export interface GlobalOptions {
  readonly home?: string;
  readonly bind?: string;
  readonly peer?: readonly string[];
  readonly broadcast?: boolean;
  readonly engine?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Throws a UsageError that says what would be right. */
export function parseSettings(options: GlobalOptions): Settings {
  if (options.home === "") throw new UsageError("--home needs the path of a folder");
  const engine = options.engine ?? "auto";
  if (engine !== "wasm" && engine !== "ts" && engine !== "auto") {
    throw new UsageError(`--engine is wasm, ts or auto, not "${engine}"`);
  }
  return Object.freeze({
    home: options.home ?? defaultHome(),
    bind: options.bind === undefined ? undefined : parseSocketAddress("--bind", options.bind, 0),
    peers: (options.peer ?? []).map((peer) => parseSocketAddress("--peer", peer, 1)),
    broadcast: options.broadcast ?? true,
    engine,
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  });
}

function parseSocketAddress(option: string, text: string, lowestPort: number): string {
  const match = /^([\d.]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || isIP(match[1]!) !== 4 || port < lowestPort || port > 65_535) {
    throw new UsageError(
      `${option} needs an IPv4 address and a UDP port, such as 192.168.1.7:4110, not "${text}"`,
    );
  }
  return text;
}
