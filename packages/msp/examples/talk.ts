import { openHandlerApi } from "../src/index.ts";
import { Pair, type PairOptions } from "../test/support/pair.ts";
import { client } from "./client.ts";
import { server } from "./server.ts";

/** The two programs, each on a node of its own, over an emulated link that loses every tenth packet; two clients, one after the other. */
export async function talk(print: (line: string) => void, options: PairOptions = {}): Promise<void> {
  const pair = await Pair.make({ link: { delayMs: 20, loss: { model: "bernoulli", p: 0.1 } }, ...options });
  const { clock, entropy } = pair;
  const ending = new AbortController();
  const port = 512;
  const serving = server(
    openHandlerApi({ transport: pair.b, clock, entropy }),
    port,
    (line) => print(`server | ${line}`),
    ending.signal,
  );
  const clients = async (): Promise<void> => {
    const remote = { sid: pair.b.identities[0]!, port };
    const msp = openHandlerApi({ transport: pair.a, clock, entropy });
    for (const lines of [["hello", "is anybody there?"], ["good bye"]]) {
      await client(msp, remote, lines, (line) => print(`client | ${line}`));
    }
    ending.abort();
  };
  await pair.settle(Promise.all([serving, clients()]));
}
