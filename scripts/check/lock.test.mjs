import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLock, fillHoles } from "./lock.mjs";

const whole = {
  packages: {
    "": { name: "x" },
    "node_modules/@meshstream/msp": { resolved: "packages/msp", link: true },
    "node_modules/tool": {
      version: "2.0.0",
      dev: true,
      optionalDependencies: { "@tool/linux-x64": "2.0.0" },
    },
    "node_modules/@tool/linux-x64": { version: "2.0.0" },
  },
};

function changed(path, entry) {
  return { packages: { ...whole.packages, [path]: entry } };
}

const withHoles = changed("node_modules/tool", {
  version: "2.0.0",
  dev: true,
  optionalDependencies: {
    "@tool/linux-x64": "2.0.0",
    "@tool/win32-arm64-msvc": "2.0.0",
    "@tool/linux-x64-musl": "2.0.0",
  },
});

test("a whole lock file passes, links to workspaces included", () => assert.deepEqual(checkLock(whole), []));

test("a download address is found", () => {
  const lock = changed("node_modules/a", { version: "1.0.0", resolved: "https://host.example/a.tgz" });
  assert.match(checkLock(lock)[0], /node_modules\/a: has a download address/);
});

test("a hole is found, and filled for the system that its name tells", () => {
  assert.equal(checkLock(withHoles).length, 2);
  const filled = fillHoles(withHoles);
  assert.deepEqual(checkLock(filled), []);
  const { cpu, os, libc, dev, optional } = filled.packages["node_modules/@tool/linux-x64-musl"];
  assert.deepEqual(
    { cpu, os, libc, dev, optional },
    { cpu: ["x64"], os: ["linux"], libc: ["musl"], dev: true, optional: true },
  );
});

test("a part nested below its dependant is no hole", () => {
  const lock = changed("node_modules/a", {
    version: "1.0.0",
    optionalDependencies: { "@b/linux-x64": "1.0.0" },
  });
  lock.packages["node_modules/a/node_modules/@b/linux-x64"] = { version: "1.0.0" };
  assert.deepEqual(checkLock(lock), []);
});

test("a name that tells no system is an error, not a guess", () => {
  const lock = changed("node_modules/a", {
    version: "1.0.0",
    optionalDependencies: { "@b/special": "1.0.0" },
  });
  assert.throws(() => fillHoles(lock), /@b\/special/);
});
