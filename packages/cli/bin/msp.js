#!/usr/bin/env node
// Committed, because npm links a workspace's command only if its file exists at install time.
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error("msp: not built yet: run npm start or npm run build first");
  process.exitCode = 2;
}
