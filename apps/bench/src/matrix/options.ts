import { type LinkConfig, parseLinkConfig } from "@meshstream/netem";
import { Command, InvalidArgumentError, Option } from "commander";
import { type Plan, plan } from "./plan.ts";
import { type Blackhole, type Messages, PROFILES, type Profile } from "./profiles.ts";
import type { Cell, PartialConfig, PeerKind } from "./run.ts";

/** What the command line asks for. */
export interface Request {
  readonly plan: Plan;
  readonly seeds: readonly number[];
  readonly json: boolean;
  /** Processes at once. */
  readonly jobs: number;
  /** Whether every goal of the matrix is asked for, so that a goal missed is a failure. */
  readonly checksGoals: boolean;
  readonly updatesDocs: boolean;
}

/**
 * Parse the arguments. Throws a CommanderError, after it has printed what was wrong or the help; its exitCode is 0 if help
 * was asked for.
 */
export function parseRequest(args: readonly string[], cores: number): Request {
  const command = makeCommand(cores).exitOverride();
  command.parse(args as string[], { from: "user" });
  const options = command.opts();
  const profiles: readonly Profile[] = options.link ? [options.link] : (options.profile ?? PROFILES);
  const { peer, coding, engine, flows, cross, messages, sender, from, seeds } = options;
  const config: PartialConfig = { coding, sender };
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
  const checksGoals = peer === "ext" && sender === "auto" && flows === 1 && !cross && !messages;
  const isWhole = checksGoals && coding === "auto" && !options.link && !options.profile;
  if (options.gates === true && !checksGoals)
    command.error("error: --gates needs the matrix at its own settings");
  if (options.updateDocs && !isWhole) command.error("error: --update-docs needs the whole matrix");
  return {
    plan: plan(cells, options.gates ?? isWhole),
    seeds: Array.from({ length: seeds }, (_, i) => from + i),
    json: options.json,
    jobs: options.jobs,
    checksGoals,
    updatesDocs: options.updateDocs,
  };
}

function makeCommand(cores: number): Command {
  return new Command("npm run matrix --")
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
    .addOption(new Option("--sender <name>", "how ours sends").choices(SENDERS).default("auto"))
    .addOption(new Option("--coding <mode>", "repair packets").choices(["off", "auto", "on"]).default("auto"))
    .addOption(new Option("--engine <name>").choices(["wasm", "ts"]).default("wasm"))
    .addOption(count("--flows <n>", "flows of ours on the same link").default(1))
    .addOption(new Option("--cross <sender>", "one flow more, with that sender").choices(SENDERS))
    .addOption(
      new Option(
        "--messages <n@bytes>",
        "so many messages a second instead of a transfer, for 60 s: a latency run",
      ).argParser(parseMessages),
    )
    .addOption(count("--seeds <n>", "runs of each cell").default(3))
    .addOption(count("--from <seed>", "the first seed").default(1))
    .addOption(count("--jobs <n>", "processes at once").default(cores))
    .option(
      "--gates",
      "also latency at 20 messages a second, and what compares runs (the default of the whole matrix)",
    )
    .option("--no-gates", "the profiles alone")
    .option("--json", "one JSON object a line: each run, each cell with `summary: true`, each gate", false)
    .option("--update-docs", "write the tables and pictures of docs/benchmarks.md", false)
    .addHelpText("after", HELP);
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

function parseMessages(text: string): Messages {
  const [perSecond, bytes] = text.split("@").map(Number);
  const isWithin = (value: number | undefined, low: number, high: number) =>
    value !== undefined && value >= low && value <= high;
  if (!isWithin(perSecond, 0.1, 10_000) || !isWithin(bytes, 4, 1024) || !Number.isInteger(bytes)) {
    throw new InvalidArgumentError("such as 20@200: 0.1 to 10000 messages a second, of 4 to 1024 bytes.");
  }
  return { perSecond: perSecond!, bytes: bytes!, forMs: MESSAGES_FOR_MS };
}

/** What `--link` takes: fields of a netem link, and these. */
interface CustomLink extends Partial<LinkConfig> {
  readonly bytes?: number;
  readonly back?: Partial<LinkConfig>;
  readonly blackhole?: Blackhole;
}

function parseLink(json: string): Profile {
  let given: CustomLink;
  try {
    given = JSON.parse(json);
  } catch (error) {
    throw new InvalidArgumentError(`not JSON: ${(error as Error).message}.`);
  }
  if (!isObject(given)) throw new InvalidArgumentError("not a JSON object.");
  const { bytes = 10e6, back, blackhole, ...link } = given;
  if (back !== undefined && !isObject(back)) throw new InvalidArgumentError("back: not a JSON object.");
  if (!(typeof bytes === "number" && bytes >= 1 && bytes <= 1e9))
    throw new InvalidArgumentError(`bytes: ${bytes} is not within 1 to 1e9.`);
  const isPhase = (ms: unknown) => typeof ms === "number" && ms > 0 && Number.isFinite(ms);
  if (blackhole !== undefined && !(isPhase(blackhole?.onMs) && isPhase(blackhole?.offMs))) {
    throw new InvalidArgumentError("blackhole: needs onMs and offMs, both above 0.");
  }
  try {
    parseLinkConfig(link);
    if (back !== undefined) parseLinkConfig({ ...link, ...back });
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
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

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MESSAGES_FOR_MS = 60_000;

const SENDERS = ["auto", "reno", "legacy"];

const HELP = `
Columns: kb/s of message bits from the first send call to the last message handed over; limit: the rate x 1024/1100 x what
the loss model let through in that run; share of it; message latency; extra: packets beyond one for each message; the whole
transfer; the bottleneck's standing queue (goal: 1 BDP); from a link's return to something new. Medians over the seeds, and worst seeds.

Gates: to a deployed peer against two deployed peers (P2, P3, P6); two flows, and one Reno flow beside ours; no profile worse
with coding than without. Every packet to a deployed peer is checked: a forbidden one makes the run void.

A link of your own is JSON with the fields of a netem link, and bytes, back (the other direction) and blackhole:
  --link '{"rateBitsPerSecond":1e6,"delayMs":50,"jitterMs":10,"queuePackets":30,
           "loss":{"model":"gilbert-elliott","meanLoss":0.1,"meanBurstPackets":4},
           "back":{"rateBitsPerSecond":128000},"blackhole":{"onMs":5000,"offMs":1000},"bytes":2000000}'

Exit code: 0 all is well; 1 a goal or a gate was missed in the median, or a run did not complete or was void; 2 wrong usage.

Examples:
  npm run matrix
  npm run -s matrix -- --profile P3 --seeds 21 --json     # -s: without npm's own lines
  npm run matrix -- --peer legacy --profile P2,P3,P6
  npm run matrix -- --profile P2,P3 --gates
  npm run matrix -- --profile P2 --cross reno
  npm run matrix -- --profile P8 --messages 20@200`;
