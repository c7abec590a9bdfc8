// Run both examples: npx tsx packages/msp/examples/run.ts
import { talk } from "./talk.ts";

await talk((line) => console.log(line));
