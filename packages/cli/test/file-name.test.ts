import assert from "node:assert/strict";
import { test } from "node:test";
import { fileNameFault } from "../src/transfer/file-name.ts";

test("ordinary names in any script are taken", () => {
  for (const name of [
    "a",
    "report.pdf",
    "Übung 1.txt",
    "写真.jpg",
    "a..b",
    "console.log",
    "x".repeat(255),
    "10:30",
  ]) {
    assert.equal(fileNameFault(name, false), undefined, name);
  }
});

test("a name that is a path, hidden, unprintable, reserved or too long is refused", () => {
  const names = [
    "",
    ".",
    "..",
    "../a",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:\\a",
    ".bashrc",
    "a\0b",
    "a\nb",
    "a\u007f",
    "a\u009bb",
    "gpj.\u202eexe",
    "a.",
    "a ",
    "CON",
    "nul.txt",
    "com1",
    "Lpt9.log",
    "x".repeat(256),
    "é".repeat(128),
    "a\ud800",
  ];
  for (const name of names) assert.ok(fileNameFault(name, false), JSON.stringify(name));
});

test("characters with a meaning of their own on Windows are refused there", () => {
  for (const name of ["a:b", "a?", "a*", "a|b", "<a", 'a"b']) {
    assert.equal(fileNameFault(name, false), undefined, name);
    assert.ok(fileNameFault(name, true), name);
  }
});
