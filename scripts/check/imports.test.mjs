import assert from "node:assert/strict";
import { test } from "node:test";
import { checkImports } from "./imports.mjs";
import { parse } from "./parse.mjs";

const manifests = {
  "": { devDependencies: { "fast-check": "1" } },
  "wasm-core": { exports: { ".": {}, "./core.wasm": {} } },
  netem: { exports: { ".": {} } },
  msp: {
    exports: { ".": {} },
    dependencies: { "@meshstream/wasm-core": "1" },
    devDependencies: { "@meshstream/netem": "1" },
  },
  node: {
    exports: { ".": {} },
    dependencies: { "@meshstream/msp": "1" },
    optionalDependencies: { addon: "1" },
  },
};

function problems(path, text) {
  return checkImports(parse(path, text), manifests);
}

const allowed = [
  ["packages/msp/src/a.ts", 'import { Core } from "@meshstream/wasm-core";'],
  ["packages/msp/src/a.ts", 'export * from "./stream/b.ts";'],
  ["packages/msp/src/stream/a.ts", 'import "../b.ts"; // import "node:fs"'],
  ["packages/msp/test/a.test.ts", 'import "@meshstream/netem"; import "node:fs"; import "../src/a.ts";'],
  ["packages/msp/test/a.test.ts", 'import "fast-check"; import "@meshstream/msp";'],
  ["packages/node/src/a.ts", 'import dgram from "node:dgram"; import { Mesh } from "@meshstream/msp";'],
  ["packages/node/src/a.ts", 'const { Socket } = await import("addon");'],
  ["packages/msp/src/a.ts", 'const text = "import(\\"node:fs\\")";'],
];

for (const [path, text] of allowed) {
  test(`allowed in ${path}: ${text}`, () => assert.deepEqual(problems(path, text), []));
}

const forbidden = [
  ["to the right", "packages/msp/src/a.ts", 'import "@meshstream/node";'],
  ["beside", "packages/netem/src/a.ts", 'import "@meshstream/wasm-core";'],
  ["to the right, in a test", "packages/msp/test/a.test.ts", 'import "@meshstream/node";'],
  ["as a type", "packages/msp/src/a.ts", 'type A = import("@meshstream/node").A;'],
  ["a type only", "packages/msp/src/a.ts", 'import type { A } from "@meshstream/node";'],
  ["re-exported", "packages/msp/src/a.ts", 'export * from "@meshstream/node";'],
  ["at run time", "packages/msp/src/a.ts", 'await import("@meshstream/node");'],
  ["unseen", "packages/msp/src/a.ts", "await import(name);"],
  ["a test's need, in src", "packages/msp/src/a.ts", 'import "@meshstream/netem";'],
  ["deep", "packages/msp/src/a.ts", 'import "@meshstream/wasm-core/src/core.ts";'],
  ["around the name", "packages/msp/src/a.ts", 'import "../../wasm-core/src/core.ts";'],
  ["unknown", "packages/msp/src/a.ts", 'import "@meshstream/mps";'],
  ["src from test", "packages/msp/src/a.ts", 'import "../test/a.ts";'],
  ["without .ts", "packages/msp/src/a.ts", 'import "./b";'],
  ["Node, in the middle", "packages/msp/src/a.ts", 'import fs from "node:fs";'],
  ["Node without node:", "packages/node/src/a.ts", 'import fs from "fs";'],
  ["undeclared", "packages/node/src/a.ts", 'import "fast-check";'],
  ["types of Node, in the middle", "packages/msp/src/a.ts", '/// <reference types="node" />'],
];

for (const [name, path, text] of forbidden) {
  test(`an import ${name} is found: ${text}`, () => assert.equal(problems(path, text).length, 1));
}

test("a message names file and line", () => {
  assert.match(
    problems("packages/msp/src/a.ts", '\n\nimport "@meshstream/node";')[0],
    /^packages\/msp\/src\/a\.ts:3: /,
  );
});
