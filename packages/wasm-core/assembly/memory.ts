// The memory map is src/memory-map.ts, where each region has its owner and its bytes: the TypeScript engine lays out
// the same memory, so both compile that one file. Everything in this folder reads it through here.
export * from "../src/memory-map";
