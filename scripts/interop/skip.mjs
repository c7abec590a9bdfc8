import { access, constants } from "node:fs/promises";
import { Child } from "./child.mjs";

/** Why the suite cannot run here, as a text for people; undefined if it can. */
export async function skipReason() {
  const servald = process.env.SERVALD;
  if (!servald) return "no daemon: set SERVALD to the path of a servald binary";
  const isProgram = await access(servald, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isProgram) return `SERVALD is ${servald}, which is no program`;
  if (process.platform !== "linux") return `network namespaces need Linux, this is ${process.platform}`;
  if (process.getuid() !== 0) return "network namespaces need root";
  const { code } = await new Child(["ip", "netns", "list"]).ended;
  if (code !== 0) return "the command ip (iproute2) cannot make network namespaces here";
  return undefined;
}
