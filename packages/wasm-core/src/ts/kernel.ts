import type { Kernel } from "../kernel.ts";
import { TsDecoders } from "./decoder.ts";
import { TsPackets } from "./packet.ts";
import { Pool } from "./pool.ts";
import { TsReceiveWindows } from "./receive-window.ts";
import { TsRepairs } from "./repair.ts";
import { TsSeals } from "./seal.ts";
import { TsSendWindows } from "./send-window.ts";

/** The pure TypeScript engine over `buffer`, which is all zero and has room for the pool's `slotCount` blocks. */
export function createTsKernel(buffer: ArrayBuffer, slotCount: number): Kernel {
  const pool = new Pool(buffer, slotCount);
  const receiveWindows = new TsReceiveWindows(pool);
  return {
    packets: new TsPackets(pool),
    sendWindows: new TsSendWindows(pool),
    receiveWindows,
    repairs: new TsRepairs(pool),
    decoders: new TsDecoders(pool, receiveWindows),
    seals: new TsSeals(pool),
  };
}
