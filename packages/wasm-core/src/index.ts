export * from "./core.ts";
export * from "./create.ts";
export * from "./decoder.ts";
export * from "./packet.ts";
export * from "./receive-window.ts";
export * from "./seal.ts";
export * from "./send-window.ts";
export * from "./sequence.ts";
