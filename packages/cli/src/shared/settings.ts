import { UsageError } from "./exit-codes.ts";
import { defaultHome } from "./runtime.ts";

/** The options that every command takes, parsed once. */
export interface Settings {
  readonly home: string;
  /** UDP address of the node, if it was asked for; openMesh checks it, and those of the peers. */
  readonly bind: string | undefined;
  readonly peers: readonly string[];
  readonly broadcast: boolean;
  readonly engine: "wasm" | "ts" | "auto";
  /** What carries packets; openMesh checks it. */
  readonly transport: string;
  /** Whether that is a Serval daemon, which has its own identities. */
  readonly usesDaemon: boolean;
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
  readonly transport?: string;
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
  const transport = options.transport ?? "overlay";
  return Object.freeze({
    home: options.home ?? defaultHome(),
    bind: options.bind,
    peers: options.peer ?? [],
    broadcast: options.broadcast ?? true,
    engine,
    transport,
    usesDaemon: transport !== "overlay",
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
  });
}
