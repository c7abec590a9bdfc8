import { defineConfig } from "tsup";

// tsup writes the JavaScript; tsc writes the declarations (tsup's own fail with TypeScript 6).
export default defineConfig({
  format: "esm",
  target: "es2022",
  platform: "neutral",
  sourcemap: true,
  clean: true,
  dts: false,
  splitting: true,
  external: [/^node:/, /^@meshstream\//],
});
