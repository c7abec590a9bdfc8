import { run } from "./program.ts";

// Standard input may still be open, and would keep the process: everything said is written by now.
process.exit(await run(process.argv.slice(2)));
