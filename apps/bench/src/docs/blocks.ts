import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Names of the parts of docs/benchmarks.md that commands write. */
export type BlockName = "matrix" | "links" | "emulation";

/** Put `content` between the markers of a block in docs/benchmarks.md. */
export async function writeBlock(name: BlockName, content: string): Promise<void> {
  const file = new URL("benchmarks.md", DOCS);
  await writeFile(file, replaceBlock(await readFile(file, "utf8"), name, content));
}

/** `text` with what is between `<!-- name: begin -->` and `<!-- name: end -->` replaced; throws if they are not there once. */
export function replaceBlock(text: string, name: BlockName, content: string): string {
  const [before, inner, ...more] = text.split(`<!-- ${name}: begin -->`);
  const [, after, ...others] = (inner ?? "").split(`<!-- ${name}: end -->`);
  if (after === undefined || more.length + others.length > 0) {
    throw new Error(`docs/benchmarks.md: the markers of "${name}" must be there once, begin before end`);
  }
  return `${before}<!-- ${name}: begin -->\n${content.trim()}\n<!-- ${name}: end -->${after}`;
}

/** Write a file into docs/benchmarks/. */
export async function writeDocsFile(name: string, content: string): Promise<void> {
  await mkdir(new URL("benchmarks/", DOCS), { recursive: true });
  await writeFile(new URL(`benchmarks/${name}`, DOCS), content);
}

/** Read one back; undefined if there is none. */
export async function readDocsFile(name: string): Promise<string | undefined> {
  return readFile(new URL(`benchmarks/${name}`, DOCS), "utf8").catch(() => undefined);
}

/** A table in Markdown; columns are aligned to the right, but for the first. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const DOCS = new URL("../../../../docs/", import.meta.url);

/** For messages. */
export const docsFolder = fileURLToPath(DOCS);
