// Import boundaries: which package may import which, and how.
import { builtinModules } from "node:module";
import { posix } from "node:path";
import ts from "typescript";
import { layerOf, middle } from "./layers.mjs";
import { place, walk } from "./parse.mjs";

const scope = "@meshstream/";

/**
 * What is wrong with the imports of one file, as messages.
 *
 * @param source the tree of a file at packages/NAME/... or apps/NAME/...
 * @param manifests package.json by package name ("msp"), and that of the repository under ""
 */
export function checkImports(source, manifests) {
  const [workspace, name, part] = source.fileName.split("/");
  const file = { home: `${workspace}/${name}/`, name, part, path: source.fileName };
  const problems = [];
  walk(source, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const problem = specifier === null ? judgeUnseen(file) : judge(file, specifier, manifests);
    if (problem !== undefined) problems.push(`${place(source, node)}: ${problem}`);
  });
  for (const reference of source.typeReferenceDirectives) {
    if (file.part === "src" && middle.includes(name)) {
      problems.push(`${source.fileName}: types of ${reference.fileName}: the middle knows no runtime`);
    }
  }
  return problems;
}

/** The module that a node imports or re-exports; null if that cannot be seen; undefined if the node imports nothing. */
function specifierOf(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier?.text;
  if (ts.isExternalModuleReference(node)) return node.expression.text;
  if (ts.isImportTypeNode(node)) return node.argument.literal?.text ?? null;
  if (!ts.isCallExpression(node)) return undefined;
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
  if (!isImport && !isRequire) return undefined;
  const [argument] = node.arguments;
  return argument !== undefined && ts.isStringLiteralLike(argument) ? argument.text : null;
}

function judge(file, specifier, manifests) {
  if (specifier.startsWith(".")) return judgeRelative(file, specifier);
  if (specifier.startsWith("node:")) return judgeRuntime(file, specifier);
  if (builtinModules.includes(specifier)) return `write "node:${specifier}"`;
  if (specifier.startsWith(scope)) return judgeNeighbour(file, specifier, manifests);
  const wanted = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return judgeDeclared(file, wanted, manifests);
}

function judgeUnseen(file) {
  return file.part === "src" ? "import() of something that is no plain string cannot be checked" : undefined;
}

function judgeRelative(file, specifier) {
  const target = posix.join(posix.dirname(file.path), specifier);
  if (!target.startsWith(file.home)) return `"${specifier}" leaves the package: import it by its name`;
  if (file.part !== "src") return undefined;
  if (!target.startsWith(`${file.home}src/`)) return `"${specifier}" leaves src/`;
  return /\.(ts|json)$/.test(specifier) ? undefined : `"${specifier}" must end in .ts`;
}

function judgeRuntime(file, specifier) {
  const isMiddle = middle.includes(file.name) && (file.part === "src" || file.part === "assembly");
  return isMiddle ? `"${specifier}": the middle does no I/O` : undefined;
}

function judgeNeighbour(file, specifier, manifests) {
  const [, name, ...rest] = specifier.split("/");
  const subpath = ["./", ...rest].join("/").replace("//", "/").replace(/\/$/, "");
  const target = manifests[name];
  if (target === undefined) return `"${specifier}": there is no such package`;
  if (target.exports?.[rest.length === 0 ? "." : subpath] === undefined) {
    return `"${specifier}" is not exported by ${scope}${name}`;
  }
  if (name === file.name) return file.part === "src" ? `"${specifier}" imports itself by name` : undefined;
  if (layerOf(file.name) === -1) return `${file.name} has no place in scripts/check/layers.mjs`;
  if (layerOf(name) >= layerOf(file.name)) return `"${specifier}": ${file.name} may not import ${name}`;
  return judgeDeclared(file, `${scope}${name}`, manifests);
}

function judgeDeclared(file, wanted, manifests) {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } =
    manifests[file.name] ?? {};
  const declared = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  if (file.part !== "src" && file.part !== "bin") {
    Object.assign(declared, devDependencies, manifests[""].devDependencies);
  }
  return wanted in declared ? undefined : `"${wanted}" is not declared in ${file.home}package.json`;
}
