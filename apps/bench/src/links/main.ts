import { Command, InvalidArgumentError, Option } from "commander";
import { percentile } from "../matrix/measure.ts";
import { PROFILES, type Profile } from "../matrix/profiles.ts";
import { type Outcome, SUBJECTS, transfer } from "./transfer.ts";

const command = new Command("npm run bench -- links")
  .description("Ours and udx-native in turn through one and the same relay, in real time, on P1 to P11.")
  .addOption(new Option("--profile <names>", "only these, such as P2,P3").argParser(parseProfiles))
  .addOption(new Option("--pairs <n>", "transfers of each").argParser(Number).default(1))
  .addOption(new Option("--only <subject>", "just this one").choices(["ours", "udx"]))
  .option("--json", "one JSON object a line", false);
command.parse();
const { profile: chosen, pairs, json, only } = command.opts();
const profiles: readonly Profile[] =
  chosen ?? PROFILES.filter(({ goal, blackhole }) => goal !== undefined && blackhole === undefined);

let isBehind = false;
if (!json) console.log("link  subject  share  least   most    kb/s  datagram");
for (const profile of profiles) {
  const outcomes = new Map<string, Outcome[]>();
  for (let pair = 1; pair <= pairs; pair++) {
    for (const subject of SUBJECTS) {
      if (only !== undefined && subject.name !== only) continue;
      const outcome = await transfer(subject, profile, pair);
      outcomes.set(subject.name, [...(outcomes.get(subject.name) ?? []), outcome]);
    }
  }
  for (const [name, list] of outcomes) print(profile, name, list);
  const [ours, udx] = SUBJECTS.map(({ name }) => medianShare(outcomes.get(name) ?? []));
  if (ours !== undefined && udx !== undefined && ours < udx - 0.02) isBehind = true;
}
process.exitCode = isBehind ? 1 : 0;

function medianShare(outcomes: readonly Outcome[]): number | undefined {
  return outcomes.length === 0
    ? undefined
    : percentile(
        outcomes.map(({ share }) => share),
        0.5,
      );
}

function print(profile: Profile, subject: string, outcomes: readonly Outcome[]): void {
  const shares = outcomes.map(({ share }) => share);
  const median = percentile(shares, 0.5);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const kbps = percentile(
    outcomes.map(({ goodputKbps }) => goodputKbps),
    0.5,
  );
  const { datagramBytes } = outcomes[0]!;
  const completed = outcomes.every((outcome) => outcome.completed);
  if (json) {
    console.log(
      JSON.stringify({
        profile: profile.name,
        subject,
        share: median,
        least,
        most,
        goodputKbps: kbps,
        completed,
      }),
    );
    return;
  }
  const figures = [median, least, most].map((share) => share.toFixed(3).padStart(6)).join(" ");
  const tail = `${kbps.toFixed(0).padStart(7)}  ${datagramBytes}${completed ? "" : "  NOT COMPLETED"}`;
  console.log(`${profile.name.padEnd(5)} ${subject.padEnd(7)} ${figures} ${tail}`);
}

function parseProfiles(names: string): readonly Profile[] {
  return names.split(",").map((name) => {
    const found = PROFILES.find((one) => one.name === name.toUpperCase() && one.goal !== undefined);
    if (found === undefined) throw new InvalidArgumentError("P1 to P11.");
    return found;
  });
}
