import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTracked } from "./tracked.mjs";

// Put together here, for this file is checked too.
const slash = "/";
const found = [
  `"resolved": "https://${"registry"}.npmjs.org/a/-/a.tgz"`,
  `cd ${slash}work/main`,
  `const home = "${slash}root/.config";`,
  `open ${slash}home/somebody/x`,
];
const passed = ["see docs/work/x", "a path such as /tmp/x", "the root/ folder", "https://example.org/work/x"];

for (const text of found) test(`found: ${text}`, () => assert.equal(checkTracked("a", text).length, 1));
for (const text of passed) test(`passes: ${text}`, () => assert.deepEqual(checkTracked("a", text), []));
