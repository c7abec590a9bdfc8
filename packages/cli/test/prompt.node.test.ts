import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type MspSocket, Sid } from "@meshstream/msp";
import type { Context } from "../src/shared/context.ts";
import { Permission } from "../src/shared/permission.ts";
import { Prompt } from "../src/shared/prompt.ts";
import { Report } from "../src/shared/report.ts";
import { StandardOutput } from "../src/shared/standard-streams.ts";

const OFFER = { name: "report.pdf", sizeBytes: 1000, mode: undefined, modifiedMs: undefined };
const QUESTION = /Accept files from/g;

test("only what is typed after the question answers it", async () => {
  const { input, sender, check, asked } = fixture();
  input.write("y\ny\nye");
  const checked = check(sender("A"));
  await asked(1);
  input.write("n\n");
  await assert.rejects(checked, /files from this SID are not accepted here/);
  input.write("n\n");
  const other = check(sender("B"));
  await asked(2);
  input.write("y\n");
  await other;
});

test("a refusal holds for the run, and says so; an end of file is one, in our words", async () => {
  const { input, sender, check, asked, screen } = fixture();
  const first = check(sender("A"));
  await asked(1);
  input.write("n\n");
  await assert.rejects(first);
  assert.match(screen(), /refused files from A{64} until msp receive is started again\n/);
  await assert.rejects(check(sender("A")), /not accepted here/);
  const second = check(sender("B"));
  await asked(2);
  input.write("\u0004");
  await assert.rejects(second, /not accepted here/);
  assert.match(screen(), /\nno answer \(end of input\): refused files from B{64}/);
  assert.equal(screen().match(QUESTION)?.length, 2);
});

test("the question of a sender that goes is withdrawn with what was typed to it, and nobody is refused", async () => {
  const { input, sender, check, asked } = fixture();
  const first = sender("A");
  const checked = check(first);
  await asked(1);
  input.write("y");
  first.leave();
  await assert.rejects(checked, /has gone/);
  // The answer to the question that is gone comes late, while the next sender waits for its own.
  const other = check(sender("B"));
  await delay(200);
  input.write("\n");
  await asked(2);
  input.write("y\n");
  await other;
  const again = check(sender("A"));
  await asked(3);
  input.write("yes\n");
  await again;
  assert.equal(input.listenerCount("keypress"), 0, "an old question hears no key");
});

test("questions come one at a time, and one whose sender went before its turn is not asked", async () => {
  const { input, sender, check, asked, screen } = fixture();
  const [first, second] = [sender("A"), sender("B")];
  const [a, b, c] = [check(first), check(second), check(sender("C"))];
  await asked(1);
  second.leave();
  input.write("y\n");
  await a;
  await assert.rejects(b, /has gone/);
  await asked(2);
  input.write("y\n");
  await c;
  assert.ok(!screen().includes("BBBB"));
});

test("while a question is open there is no bar, and what is said stands above the question", async () => {
  const { input, sender, check, asked, screen, report } = fixture();
  const checked = check(sender("A"));
  await asked(1);
  const before = screen();
  report.progress({ name: "other", doneBytes: 1, totalBytes: 2, sid: "B" });
  assert.equal(screen(), before);
  report.note({ event: "n" }, "another file came");
  await asked(2);
  assert.match(screen().replaceAll("\u001b", "^"), /\r\^\[Kanother file came\n[^a-z]*Accept files from/);
  input.write("y\n");
  await checked;
  report.progress({ name: "other", doneBytes: 2, totalBytes: 2, sid: "B" });
  assert.match(screen(), /other \[#+\]/);
});

function fixture() {
  let text = "";
  const watchers = new Set<() => void>();
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      for (const watch of watchers) watch();
      done();
    },
  });
  const screen = Object.assign(output, { isTTY: true, columns: 80 });
  const options = { json: false, quiet: false, verbose: false, stdoutCarriesData: false };
  const report = new Report(options, new StandardOutput(output), screen, () => performance.now());
  const context = { report, stdin: { isTerminal: true } } as Context;
  const input = new PassThrough();
  const permission = new Permission(context, undefined, new Prompt(input, screen, report));
  return {
    input,
    report,
    screen: () => text,
    /** A peer whose SID is 64 times `digit`. */
    sender: (digit: string) => {
      let leave = (): void => undefined;
      const closed = new Promise<never>((_resolve, reject) => {
        leave = () => reject(new Error("the peer has gone"));
      });
      return { sid: Sid.fromHex(digit.repeat(64)), socket: { closed } as unknown as MspSocket, leave };
    },
    check: ({ sid, socket }: { sid: Sid; socket: MspSocket }) => permission.check(sid, OFFER, socket),
    /** Resolves when that many questions were drawn. */
    asked: (count: number) =>
      new Promise<void>((resolve) => {
        const watch = (): void => {
          if ((text.match(QUESTION)?.length ?? 0) < count) return;
          watchers.delete(watch);
          // The rest of what is drawn with it.
          setImmediate(resolve);
        };
        watchers.add(watch);
        watch();
      }),
  };
}
