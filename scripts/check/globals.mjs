// No clock, no dice, no timers, no I/O in the middle: time, chance and bytes come in through the ports
// (docs/architecture.md). Looks at the syntax tree, so comments, strings and property names do not count.
import ts from "typescript";
import { place, walk } from "./parse.mjs";

const clocks = ["Date", "performance", "Temporal"];
const timers = [
  ...["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"],
  ...["requestAnimationFrame", "requestIdleCallback"],
];
const dice = ["crypto"];
const io = [
  ...[
    "process",
    "console",
    "fetch",
    "require",
    "Deno",
    "Bun",
    "Buffer",
    "navigator",
    "localStorage",
    "indexedDB",
  ],
  ...["WebSocket", "XMLHttpRequest", "EventSource", "BroadcastChannel", "Worker"],
];
const banned = new Set([...clocks, ...timers, ...dice, ...io]);

/** Other names of the object that holds all the globals; a local variable may be called so too. */
const globalObjects = ["window", "self", "global"];

/** Allowed objects with members that are banned. Only a plain, allowed member may be taken from them. */
const guarded = {
  globalThis: [...banned],
  Math: ["random"],
  AbortSignal: ["timeout"],
  Atomics: ["wait", "waitAsync"],
};

/** Functions of libsodium that draw random numbers by themselves. */
const diceOfSodium = /^(randombytes\w*|crypto_\w+_keygen|crypto_(box|sign|kx)_keypair|crypto_box_seal)$/;

/** What one file of the middle uses and must not, as messages. A local name equal to a banned global counts too. */
export function checkGlobals(source) {
  const problems = [];
  walk(source, (node) => {
    const what = ts.isIdentifier(node) ? judgeIdentifier(node) : undefined;
    if (what !== undefined) problems.push(`${place(source, node)}: ${what} is banned in the middle`);
  });
  return problems;
}

function judgeIdentifier(node) {
  if (isMemberName(node)) return diceOfSodium.test(node.text) ? node.text : undefined;
  if (isPropertyName(node)) return undefined;
  if (banned.has(node.text)) return node.text;
  if (globalObjects.includes(node.text)) {
    const name = memberTaken(node);
    return banned.has(name) ? `${node.text}.${name}` : undefined;
  }
  if (!Object.hasOwn(guarded, node.text) || ts.isTypeNode(node.parent)) return undefined;
  const name = memberTaken(node);
  if (name === undefined) return `${node.text} without a plain member name`;
  return guarded[node.text].includes(name) ? `${node.text}.${name}` : undefined;
}

/** `b` for the `a` of `a.b` and `a["b"]`; undefined for anything else. */
function memberTaken(node) {
  const { parent } = node;
  if (parent.expression !== node) return undefined;
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text;
  if (!ts.isElementAccessExpression(parent)) return undefined;
  const { argumentExpression } = parent;
  return ts.isStringLiteralLike(argumentExpression) ? argumentExpression.text : undefined;
}

function isMemberName(node) {
  return ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
}

/** A name that is looked up in an object or a type, not among the variables. */
function isPropertyName(node) {
  const { parent } = node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent) || ts.isImportSpecifier(parent)) return parent.propertyName === node;
  if (ts.isExportSpecifier(parent)) return parent.propertyName !== undefined && parent.name === node;
  const isDeclared =
    ts.isPropertyAssignment(parent) ||
    ts.isClassElement(parent) ||
    ts.isTypeElement(parent) ||
    ts.isObjectLiteralElement(parent) ||
    ts.isEnumMember(parent) ||
    ts.isNamedTupleMember(parent);
  return isDeclared && parent.name === node && !ts.isShorthandPropertyAssignment(parent);
}
