import { arch, cpus, platform, totalmem } from "node:os";

/** This machine in plain words. */
export function machine(): string {
  const list = cpus();
  const model = (list[0]?.model ?? "unknown processor").replace(/\s+/g, " ").trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  const system = { linux: "Linux", darwin: "macOS", win32: "Windows" }[platform() as string] ?? platform();
  return `${list.length} cores of ${model} (${arch()}), ${memory} GB, ${system}, Node ${process.versions.node}`;
}
