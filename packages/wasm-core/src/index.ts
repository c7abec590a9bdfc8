export * from "./core.ts";
export * from "./create.ts";
export * from "./sequence.ts";
