/** The packages and apps in the order of their imports: each may import only from the rows above its own. */
export const layers = [
  ["wasm-core", "netem"],
  ["msp"],
  ["mdp-transport"],
  ["node", "deno", "bun", "browser"],
  ["cli", "demo", "bench"],
];

/** The middle: packages whose src has no clock, no dice, no timers and no I/O. */
export const middle = ["wasm-core", "netem", "msp", "mdp-transport"];

/** The row of a package in {@link layers}; -1 for an unknown one. */
export function layerOf(name) {
  return layers.findIndex((row) => row.includes(name));
}
