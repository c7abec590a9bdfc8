import type { Command } from "commander";
import type { Context } from "../shared/context.ts";
import type { Execute } from "../shared/execute.ts";
import { ExitCode, UsageError } from "../shared/exit-codes.ts";
import { openKeyring } from "../shared/runtime.ts";
import { withMesh } from "../shared/with-mesh.ts";

/** `msp id new|show|list`: the identities of a home. */
export function addId(program: Command, execute: Execute): void {
  const id = program.command("id").description("make and show identities");
  id.command("new")
    .description("make an identity and print its SID; of several, commands use the first, the primary one")
    .action((_, command: Command) => execute(command, RESULTS_ON_STDOUT, makeNew));
  id.command("show")
    .description("print the SID that others connect to: the primary identity")
    .action((_, command: Command) => execute(command, RESULTS_ON_STDOUT, show));
  id.command("list")
    .description("print every SID, the primary one first")
    .action((_, command: Command) => execute(command, RESULTS_ON_STDOUT, list));
  id.addHelpText("after", EXAMPLES);
}

async function makeNew({ settings, report }: Context): Promise<number> {
  if (settings.usesDaemon) {
    throw new UsageError('a Serval daemon makes its own identities: use "servald keyring add"');
  }
  const keyring = openKeyring(settings.home);
  const { sid } = await keyring.create();
  const primary = (await keyring.list())[0]!.sid.hex;
  const isPrimary = sid.hex === primary;
  report.result({ event: "identity", sid: sid.hex, isPrimary }, sid.hex);
  // --json says it by isPrimary.
  if (!isPrimary && !settings.json) {
    report.note({ event: "identity", sid: primary }, `commands go on using the first identity, ${primary}`);
  }
  return ExitCode.DONE;
}

async function show(context: Context): Promise<number> {
  const [primary] = await sidsOf(context);
  context.report.result({ event: "identity", sid: primary, isPrimary: true }, primary!);
  return ExitCode.DONE;
}

async function list(context: Context): Promise<number> {
  const sids = await sidsOf(context);
  for (const [index, sid] of sids.entries()) {
    context.report.result({ event: "identity", sid, isPrimary: index === 0 }, sid);
  }
  return ExitCode.DONE;
}

/** At least one; making one silently is for `id new` alone. */
async function sidsOf(context: Context): Promise<string[]> {
  const { settings } = context;
  if (settings.usesDaemon) {
    return withMesh(context, async ({ identities }) => identities.map(({ hex }) => hex));
  }
  const identities = await openKeyring(settings.home).list();
  if (identities.length === 0) {
    throw new UsageError(`${settings.home} has no identity yet: make one with "msp id new"`);
  }
  return identities.map(({ sid }) => sid.hex);
}

const RESULTS_ON_STDOUT = { stdoutCarriesData: false };

const EXAMPLES = `
The first identity of a home is its primary one: peers connect to it, and every command uses it. Further ones that
"msp id new" makes are kept beside it, and no command takes one in its place.

Examples:
  $ msp id new
  $ msp id show
  57D5E04EEC3C3579BADD8FBC15CB0CBFA28DD78F37EB6717ABB8385E76A37045`;
