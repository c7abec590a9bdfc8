import type { LinkConfig } from "@meshstream/netem";
import { Command, InvalidArgumentError, Option } from "commander";
import { PROFILES, type Profile } from "./profiles.ts";
import type { Cell, PartialConfig, PeerKind } from "./run.ts";

/** What the command line asks for. */
export interface Request {
  readonly cells: readonly Cell[];
  readonly seeds: readonly number[];
  readonly json: boolean;
  /** Processes at once. */
  readonly jobs: number;
  /** Whether every goal of the matrix is asked for, so that a goal missed is a failure. */
  readonly checksGoals: boolean;
  readonly updatesDocs: boolean;
}

/** Parse the arguments; prints help or an error and ends the process where they ask for that. */
export function parseRequest(args: readonly string[], cores: number): Request {
  const command = new Command("npm run matrix --")
    .description(
      "The link matrix: transfers over emulated links, in simulated time. Deterministic: a cell and a seed give the same line.",
    )
    .addOption(new Option("--profile <names>", "only these, such as P2,P3").argParser(parseProfiles))
    .addOption(
      new Option("--link <json>", "a link of your own; see below").argParser(parseLink).conflicts("profile"),
    )
    .addOption(
      new Option("--peer <kind>", "who is at the far end")
        .choices(["ext", "legacy", "deployed-both"])
        .default("ext"),
    )
    .option("--sender <name>", "how ours sends: auto, reno, fixed or legacy", "auto")
    .addOption(new Option("--coding <mode>", "repair packets").choices(["off", "auto", "on"]).default("auto"))
    .addOption(new Option("--engine <name>").choices(["wasm", "ts"]).default("wasm"))
    .addOption(count("--flows <n>", "flows of ours on the same link").default(1))
    .option("--cross <sender>", "one flow more, with another sender, such as reno")
    .addOption(
      new Option(
        "--messages <n@bytes>",
        "so many messages a second instead of a transfer, for 60 s: a latency run",
      ).argParser(parseMessages),
    )
    .addOption(count("--seeds <n>", "runs of each cell").default(3))
    .addOption(count("--from <seed>", "the first seed").default(1))
    .addOption(count("--jobs <n>", "processes at once").default(cores))
    .option("--json", "one JSON object a line: each run, then each cell with `summary: true`", false)
    .option("--update-docs", "write the table and the pictures of docs/benchmarks.md", false)
    .addHelpText("after", HELP);
  command.parse(args as string[], { from: "user" });
  const options = command.opts();
  const profiles: readonly Profile[] = options.link ? [options.link] : (options.profile ?? PROFILES);
  const { peer, coding, engine, flows, cross, messages, sender, from, seeds } = options;
  const config: PartialConfig = sender === "auto" ? { coding } : { coding, sender };
  const cells = profiles.map(
    (profile): Cell => ({
      profile,
      peer: peer as PeerKind,
      engine,
      config,
      coding: peer === "ext" ? coding : "off",
      flows,
      ...(cross === undefined ? {} : { cross }),
      ...(messages === undefined ? {} : { messages }),
    }),
  );
  return {
    cells,
    seeds: Array.from({ length: seeds }, (_, i) => from + i),
    json: options.json,
    jobs: options.jobs,
    checksGoals: peer === "ext" && sender === "auto" && flows === 1 && !cross && !messages,
    updatesDocs: options.updateDocs,
  };
}

function count(flags: string, text: string): Option {
  return new Option(flags, text).argParser((value: string) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("a whole number from 1 on.");
    return number;
  });
}

function parseProfiles(names: string, before: readonly Profile[] = []): readonly Profile[] {
  const found = names.split(",").map((name) => {
    const profile = PROFILES.find((one) => one.name === name.toUpperCase());
    if (profile === undefined) {
      throw new InvalidArgumentError(`there are ${PROFILES.map((one) => one.name).join(", ")}.`);
    }
    return profile;
  });
  return [...before, ...found];
}

function parseMessages(text: string): NonNullable<Cell["messages"]> {
  const [perSecond, bytes] = text.split("@").map(Number);
  const isWithin = (value: number | undefined, low: number, high: number) =>
    value !== undefined && value >= low && value <= high;
  if (!isWithin(perSecond, 0.1, 10_000) || !isWithin(bytes, 4, 1024)) {
    throw new InvalidArgumentError("such as 20@200: 0.1 to 10000 messages a second, of 4 to 1024 bytes.");
  }
  return { perSecond: perSecond!, bytes: bytes!, forMs: MESSAGES_FOR_MS };
}

/** What `--link` takes: fields of a netem link, and these. */
interface CustomLink extends Partial<LinkConfig> {
  readonly bytes?: number;
  readonly back?: Partial<LinkConfig>;
  readonly blackhole?: { readonly onMs: number; readonly offMs: number };
}

function parseLink(json: string): Profile {
  let given: CustomLink;
  try {
    given = JSON.parse(json);
  } catch (error) {
    throw new InvalidArgumentError(`not JSON: ${(error as Error).message}.`);
  }
  const { bytes = 10e6, back, blackhole, ...link } = given;
  return {
    name: "custom",
    title: "a link of your own",
    link,
    bytes,
    // The way back is like the way there, but for what is said of it.
    ...(back === undefined ? {} : { back: { ...link, ...back } }),
    ...(blackhole === undefined ? {} : { blackhole }),
  };
}

const MESSAGES_FOR_MS = 60_000;

const HELP = `
A link of your own is JSON with the fields of a netem link, and bytes, back (the other direction) and blackhole:
  --link '{"rateBitsPerSecond":1e6,"delayMs":50,"jitterMs":10,"queuePackets":30,
           "loss":{"model":"gilbert-elliott","meanLoss":0.1,"meanBurstPackets":4},
           "back":{"rateBitsPerSecond":128000},"blackhole":{"onMs":5000,"offMs":1000},"bytes":2000000}'

Exit code: 1 if a run did not complete, or a profile at its own settings missed its goal in the median.

Examples:
  npm run matrix
  npm run matrix -- --profile P3 --seeds 21 --json
  npm run matrix -- --peer legacy --profile P2,P3,P6
  npm run matrix -- --profile P2 --flows 2
  npm run matrix -- --profile P2 --cross reno
  npm run matrix -- --profile P8 --messages 20@200`;
