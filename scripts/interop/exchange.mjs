// What cells do again and again, and how they judge.
import { createHash } from "node:crypto";
import { Ours } from "./ours.mjs";

export function check(isTrue, text) {
  if (!isTrue) throw new Error(text);
}

/** Bytes that look the same nowhere. */
export function content(length, seed = 1) {
  const bytes = Buffer.alloc(length);
  for (let offset = 0, block = 0; offset < length; offset += 64, block++) {
    createHash("sha512").update(`${seed} ${block}`).digest().copy(bytes, offset);
  }
  return bytes;
}

/** Compare what came with what was sent. */
export function compare(name, got, wanted) {
  if (got.equals(wanted)) return;
  const at = got.findIndex((byte, index) => byte !== wanted[index]);
  const where = at === -1 ? "one is the beginning of the other" : `first difference at ${at}`;
  throw new Error(`${name}: ${got.length} bytes came, ${wanted.length} were sent: ${where}`);
}

/**
 * `connecter` connects to `listener`; `up` goes from it to the listener and `down` comes back, each to its end. Both contents are
 * compared, and of our commands the exit codes, too: those of deployed ones do not tell.
 */
export async function exchange(
  listener,
  connecter,
  { port = 512, up = NOTHING, down = NOTHING, sid, ...words } = {},
) {
  const { listenWords, connectWords } = words;
  const listening = await listener.listen(port, { input: down, words: listenWords });
  const connecting = connecter.connect(sid ?? listener.sid, port, { input: up, words: connectWords });
  const [there, here] = await Promise.all([listening.ended, connecting.ended]);
  compare("from the client", there.out, up);
  compare("from the server", here.out, down);
  judgeExit(listener, there);
  judgeExit(connecter, here);
  return { listening, connecting };
}

function judgeExit(party, { code, err }) {
  if (party instanceof Ours) check(code === 0, `our command exited ${code}: ${err.slice(-300)}`);
}

const NOTHING = Buffer.alloc(0);
