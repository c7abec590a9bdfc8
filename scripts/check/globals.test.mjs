import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGlobals } from "./globals.mjs";
import { parse } from "./parse.mjs";

function problems(text) {
  return checkGlobals(parse("packages/msp/src/a.ts", text));
}

const allowed = [
  "// Date.now() and setTimeout() are banned here",
  'const text = "console.log(process.env)";',
  "clock.setTimeout(1); peer.fetch(); this.crypto.fill(bytes);",
  "const row = { process: 1, Date: 2 }; interface A { console: string; fetch(): void }",
  "class A { performance = 1; fetch() {} get crypto() { return 1; } }",
  "const { fetch: take } = peer; export { take as fetch };",
  "Math.max(1, 2); globalThis.WebAssembly; new AbortController();",
  "const window = core.createSendWindow(4); window.push(1); run(window);",
];

for (const text of allowed) test(`allowed: ${text}`, () => assert.deepEqual(problems(text), []));

const forbidden = [
  "Date.now();",
  "new Date();",
  "let at: Date;",
  "performance.now();",
  "setTimeout(run, 1);",
  "const wait = setInterval;",
  "Math.random();",
  'Math["random"]();',
  "const { random } = Math;",
  "crypto.getRandomValues(bytes);",
  'globalThis["crypto"];',
  "globalThis.performance.now();",
  "globalThis[name];",
  "window.fetch(url);",
  "const { fetch } = host;",
  "run({ console });",
  "process.env.DEBUG;",
  "AbortSignal.timeout(10);",
  'require("x");',
  "sodium.randombytes_buf(24);",
  "sodium.crypto_box_keypair();",
  "export { fetch };",
];

for (const text of forbidden) test(`found: ${text}`, () => assert.equal(problems(text).length, 1));
