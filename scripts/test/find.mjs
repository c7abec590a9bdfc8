import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Every test file of the repository, as sorted paths relative to `root` with forward slashes:
 * *.test.ts in the packages' and apps' test folders, *.test.mjs in scripts. (Node 20 has no glob for this.)
 */
export function findTests(root) {
  const found = walk(root, "scripts", ".test.mjs");
  for (const workspace of ["packages", "apps"]) {
    for (const name of folders(root, workspace)) {
      found.push(...walk(root, `${workspace}/${name}/test`, ".test.ts"));
    }
  }
  return found.sort();
}

function walk(root, folder, ending) {
  const files = entries(root, folder)
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => `${folder}/${entry.name}`);
  for (const name of folders(root, folder)) files.push(...walk(root, `${folder}/${name}`, ending));
  return files;
}

function folders(root, folder) {
  return entries(root, folder)
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
    .map((entry) => entry.name);
}

function entries(root, folder) {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}
