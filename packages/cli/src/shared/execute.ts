import type { Command } from "commander";
import type { Context } from "./context.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { Interruption } from "./interruption.ts";
import { Report } from "./report.ts";
import { type GlobalOptions, parseSettings } from "./settings.ts";
import { openStandardInput, openStandardOutput } from "./standard-streams.ts";

/** The body of a command. Resolves to an exit code; what it throws becomes one. */
export type Body = (context: Context) => Promise<number>;

/** Runs the body of a command; given to each command's file by the program. */
export type Execute = (
  command: Command,
  mode: { readonly stdoutCarriesData: boolean },
  body: Body,
) => Promise<void>;

/** Run `body` with the options of `command`. Resolves to the exit code, after everything said is written. */
export async function execute(
  command: Command,
  { stdoutCarriesData }: { readonly stdoutCarriesData: boolean },
  body: Body,
): Promise<number> {
  const settings = parseSettings(command.optsWithGlobals<GlobalOptions>());
  const stdout = openStandardOutput();
  const now = (): number => performance.now();
  const report = new Report({ ...settings, stdoutCarriesData }, stdout, process.stderr, now);
  using interruption = new Interruption();
  const stdin = openStandardInput();
  let exitCode: number;
  try {
    exitCode = await body({ settings, report, interruption, stdin, stdout });
  } catch (error) {
    exitCode = interruption.exitCode ?? exitCodeOf(error);
    // What a signal broke off is no news to the one who sent it.
    if (interruption.exitCode === undefined) report.error(error, exitCode);
  }
  exitCode = interruption.exitCode ?? exitCode;
  try {
    await report.flush();
  } catch (error) {
    if (exitCode === 0) exitCode = exitCodeOf(error);
    report.error(error, exitCode);
  }
  return exitCode;
}
