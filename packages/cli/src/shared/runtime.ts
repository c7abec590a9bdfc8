// The one file that knows which runtime the command stands on.
export type { NodeMesh } from "@meshstream/node";
export { defaultHome, openKeyring, openMesh } from "@meshstream/node";
