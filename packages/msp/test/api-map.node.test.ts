import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as msp from "../src/index.ts";
import { Pair } from "./support/pair.ts";

const map = readFileSync(new URL("../../../docs/api-map.md", import.meta.url), "utf8");

/** The cells of the rows whose number begins with `letter`, in order. */
function rows(letter: string): string[][] {
  return map
    .split("\n")
    .filter((line) => line.startsWith(`| ${letter}`) && /^\| \w\d+ \|/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

/** The tests that a cell names, as [file, name]. */
function testsIn(cell: string): [string, string][] {
  return [...cell.matchAll(/`([\w./-]+\.test\.ts): ([^`]+)`/g)].map(([, file, name]) => [file!, name!]);
}

/** The names of the tests in a file: of this folder, or of the repository if it has a path. */
const namesIn = new Map<string, Set<string>>();
function hasTest(file: string, name: string): boolean {
  let names = namesIn.get(file);
  if (names === undefined) {
    const source = readFileSync(
      new URL(file.includes("/") ? `../../../${file}` : file, import.meta.url),
      "utf8",
    );
    names = new Set([...source.matchAll(/^\s*it\(\s*"([^"]+)"/gm)].map(([, found]) => found!));
    namesIn.set(file, names);
  }
  return names.has(name);
}

describe("docs/api-map.md", () => {
  it("numbers every kind of row without a gap", () => {
    for (const letter of ["P", "D", "C", "N"]) {
      const ids = rows(letter).map(([id]) => id);
      assert.ok(ids.length >= 8, `${ids.length} rows ${letter}`);
      assert.deepEqual(
        ids,
        ids.map((_, index) => `${letter}${index + 1}`),
      );
    }
  });

  it("has no cell too many or too few", () => {
    for (const row of ["P", "D", "C", "N"].flatMap(rows)) {
      const wanted = row[0]!.startsWith("N") ? 3 : 4;
      assert.equal(row.length, wanted, row.join(" | "));
    }
  });

  it("leaves no row without a test or a reason", () => {
    const without = rows("D").filter(
      ([, , , held]) => testsIn(held!).length === 0 && !/^reason: N\d+$/.test(held!),
    );
    assert.deepEqual(without, []);
  });

  it("names only tests that exist under exactly that name", () => {
    const named = rows("D").flatMap(([id, , , held]) =>
      testsIn(held!).map(([file, name]) => ({ id, file, name })),
    );
    assert.ok(named.length > 200);
    assert.deepEqual(
      named.filter(({ file, name }) => !hasTest(file, name)),
      [],
    );
  });

  it("explains every choice and reason that it points to, and points to each", () => {
    const text = rows("D").flat().join("\n");
    for (const [letter, pattern] of [
      ["C", /\b(C\d+)\b/g],
      ["N", /^reason: (N\d+)$/gm],
    ] as const) {
      const pointedTo = new Set([...text.matchAll(pattern)].map(([, id]) => id!));
      assert.deepEqual(
        [...pointedTo].sort(),
        rows(letter)
          .map(([id]) => id!)
          .sort(),
      );
    }
  });

  it("every primitive of the document has its counterpart", async () => {
    const pair = await Pair.make();
    const { clock, entropy } = pair;
    const api: object = msp.openHandlerApi({ transport: pair.a, clock, entropy });
    const names = rows("P").map(([, , counterpart]) => counterpart!.replaceAll("`", ""));
    assert.deepEqual(
      names.filter((name) => !(name in api)),
      [],
    );
    assert.equal(new Set(names).size, names.length);
  });

  it("carries the attribution", () => {
    assert.match(
      map,
      /Adapted from \*Mesh Stream Protocol\*, Serval Project Inc\., 2014, CC BY 4\.0; changed/,
    );
  });
});
