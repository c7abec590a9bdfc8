export { systemClock } from "./clock.ts";
export { systemEntropy } from "./entropy.ts";
export { defaultHome } from "./home.ts";
export { type Keyring, openKeyring } from "./keyring.ts";
export { NodeMesh } from "./node-mesh.ts";
export { type OpenMeshOptions, openMesh } from "./open-mesh.ts";
export { openUdp, type UdpCounters, type UdpOptions, type UdpTransport } from "./udp.ts";
