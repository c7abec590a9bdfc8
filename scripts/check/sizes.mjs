import ts from "typescript";
import { place, walk } from "./parse.mjs";

const fileLines = 500;
const functionLines = 70;

/** A file over 500 lines, and its functions over 70, as messages. Tests are lists: only the file counts there. */
export function checkSizes(source) {
  const problems = [];
  const { line } = source.getLineAndCharacterOfPosition(source.end);
  if (line > fileLines) problems.push(`${source.fileName}: ${line} lines, the limit is ${fileLines}`);
  if (/(^|\/)test\/|\.test\.\w+$/.test(source.fileName)) return problems;
  walk(source, (node) => {
    if (!ts.isFunctionLike(node) || node.body === undefined) return;
    const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
    const count = source.getLineAndCharacterOfPosition(node.end).line - first + 1;
    if (count > functionLines) {
      const name = node.name?.getText(source) ?? "a function";
      problems.push(`${place(source, node)}: ${name} has ${count} lines, the limit is ${functionLines}`);
    }
  });
  return problems;
}
