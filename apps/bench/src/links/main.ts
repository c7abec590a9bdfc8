import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { percentile } from "../matrix/measure.ts";
import { PROFILES, type Profile } from "../matrix/profiles.ts";
import { type Row, TOLERANCE } from "./row.ts";
import { type Outcome, SUBJECTS, transfer } from "./transfer.ts";

async function main(args: readonly string[]): Promise<number> {
  const command = makeCommand().exitOverride();
  command.parse(args as string[], { from: "user" });
  const { profile: profiles = LINKS, pairs, json, only, updateDocs } = command.opts();
  if (updateDocs && (profiles !== LINKS || only !== undefined)) {
    command.error("error: --update-docs needs every link and both programs");
  }
  if (!json) console.log("link  program  share  least   most    kb/s  datagram");
  const rows: Row[] = [];
  for (const profile of profiles) {
    const outcomes = await takeTurns(profile, pairs, only);
    for (const [subject, list] of outcomes) {
      const row = sumUp(profile, subject, list);
      rows.push(row);
      console.log(json ? jsonLine(row) : textLine(row));
    }
  }
  if (updateDocs) {
    const { updateLinksDocs } = await import("../docs/links-docs.ts");
    await updateLinksDocs(rows, pairs);
  }
  return rows.some(isMissed(rows)) ? 1 : 0;
}

function makeCommand(): Command {
  return new Command("npm run bench -- links")
    .description(
      "Ours (sealed, two processes) and udx-native (plain, two processes) in turn through one and the same relay, in real time.",
    )
    .addOption(
      new Option("--profile <names>", "only these, such as P2,P3; else P1 to P11").argParser(parseProfiles),
    )
    .addOption(
      new Option("--pairs <n>", "transfers of each; the n-th of both meet the same losses")
        .argParser(parsePairs)
        .default(1),
    )
    .addOption(new Option("--only <program>", "just this one").choices(["ours", "udx"]))
    .option("--json", "one JSON object a line", false)
    .option("--update-docs", "write the table and the picture of docs/benchmarks.md", false)
    .addHelpText("after", HELP);
}

async function takeTurns(profile: Profile, pairs: number, only: string | undefined) {
  const outcomes = new Map<"ours" | "udx", Outcome[]>();
  for (let pair = 1; pair <= pairs; pair++) {
    for (const subject of SUBJECTS) {
      if (only !== undefined && subject.name !== only) continue;
      const outcome = await transfer(subject, profile, pair);
      outcomes.set(subject.name, [...(outcomes.get(subject.name) ?? []), outcome]);
    }
  }
  return outcomes;
}

function sumUp(profile: Profile, subject: "ours" | "udx", outcomes: readonly Outcome[]): Row {
  const shares = outcomes.map(({ share }) => share);
  return {
    profile,
    subject,
    share: percentile(shares, 0.5),
    least: Math.min(...shares),
    most: Math.max(...shares),
    goodputKbps: percentile(
      outcomes.map(({ goodputKbps }) => goodputKbps),
      0.5,
    ),
    datagramBytes: outcomes[0]!.datagramBytes,
    completed: outcomes.every((outcome) => outcome.completed),
  };
}

/** Ours did not complete, or is further behind than {@link TOLERANCE}. */
function isMissed(rows: readonly Row[]): (row: Row) => boolean {
  return ({ profile, subject, share, completed }) => {
    if (subject !== "ours") return false;
    const udx = rows.find((row) => row.subject === "udx" && row.profile === profile);
    return !completed || (udx !== undefined && share < udx.share - TOLERANCE);
  };
}

function jsonLine({ profile, ...row }: Row): string {
  return JSON.stringify({ profile: profile.name, ...row });
}

function textLine({
  profile,
  subject,
  share,
  least,
  most,
  goodputKbps,
  datagramBytes,
  completed,
}: Row): string {
  const figures = [share, least, most].map((figure) => figure.toFixed(3).padStart(6)).join(" ");
  const tail = `${goodputKbps.toFixed(0).padStart(7)}  ${datagramBytes}${completed ? "" : "  NOT COMPLETED"}`;
  return `${profile.name.padEnd(5)} ${subject.padEnd(7)} ${figures} ${tail}`;
}

function parseProfiles(names: string): readonly Profile[] {
  return names.split(",").map((name) => {
    const found = LINKS.find((one) => one.name === name.toUpperCase());
    if (found === undefined) throw new InvalidArgumentError("P1 to P11.");
    return found;
  });
}

function parsePairs(value: string): number {
  const pairs = Number(value);
  if (!Number.isInteger(pairs) || pairs < 1) throw new InvalidArgumentError("a whole number from 1 on.");
  return pairs;
}

/** Those with a goal, but for the blackhole: the relay does not switch. */
const LINKS = PROFILES.filter(({ goal, blackhole }) => goal !== undefined && blackhole === undefined);

const HELP = `
share: message bits from the first send call to the last byte received, of the link's rate x (1 - loss) x (payload/datagram),
in the median; least and most of the transfers; the largest datagram in bytes. A pair of all takes about seven minutes.

Exit code: 0 all is well; 1 ours did not complete, or its median is more than ${TOLERANCE} below udx-native's; 2 wrong usage.

Examples:
  npm run bench -- links --profile P3,P7 --pairs 5
  npm run bench -- links --pairs 5 --update-docs`;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
