// Nodes in a line, ours and theirs mixed: relaying in both directions, and every kind of node as the first, the middle and the last.
import { content, exchange } from "../exchange.mjs";
import { line } from "../scenes.mjs";

const UP = content(100_000, 10);
const DOWN = content(100_000, 11);

export const cells = ["DOD", "ODO", "ODD", "OOD", "OOO"].flatMap((letters) =>
  [
    [0, 2],
    [2, 0],
  ]
    .filter(([from]) => from === 0 || !isSymmetric(letters))
    .map(([from, to]) => ({
      name: `in a line: ${describe(letters, from, to)}`,
      isCalm: true,
      run: () => line(letters, (scene) => across(scene, from, to)),
    })),
);

async function across({ parties }, from, to) {
  await exchange(parties[to], parties[from], { port: 520, up: UP, down: DOWN });
}

function isSymmetric(letters) {
  return letters === [...letters].reverse().join("");
}

function describe(letters, from, to) {
  const names = [...letters].map((letter) => (letter === "D" ? "theirs" : "ours"));
  return (from < to ? names : names.reverse()).join(" to ");
}
