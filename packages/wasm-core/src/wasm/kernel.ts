import type {
  DecoderKernel,
  Kernel,
  PacketKernel,
  ReceiveWindowKernel,
  RepairKernel,
  SealKernel,
  SendWindowKernel,
} from "../kernel.ts";
import { MEMORY_PAGE_BYTES } from "../memory-map.ts";

/** What assembly/index.ts exports, as WebAssembly gives it to JavaScript. */
interface CoreExports extends PacketKernel {
  memory: WebAssembly.Memory;
  poolInitialise(slotCount: number): void;
  fieldInitialise(): void;
  sendCreate: SendWindowKernel["create"];
  sendPush: SendWindowKernel["push"];
  sendMessageOffset: SendWindowKernel["messageOffset"];
  sendMessageLength: SendWindowKernel["messageLength"];
  sendMessageFlags: SendWindowKernel["messageFlags"];
  sendSetMessageFlags: SendWindowKernel["setMessageFlags"];
  sendMarkSent: SendWindowKernel["markSent"];
  sendMarkLost: SendWindowKernel["markLost"];
  sendTransmissions: SendWindowKernel["transmissions"];
  sendSentAtMs: SendWindowKernel["sentAtMs"];
  sendOldestSent: SendWindowKernel["oldestSent"];
  sendSentAfter: SendWindowKernel["sentAfter"];
  sendFirstLost: SendWindowKernel["firstLost"];
  sendMarkMissing: SendWindowKernel["markMissing"];
  sendMarkOverdue: SendWindowKernel["markOverdue"];
  sendIsArrived: SendWindowKernel["isArrived"];
  sendBeginSample: SendWindowKernel["beginSample"];
  sendMarkAppLimited: SendWindowKernel["markAppLimited"];
  sendArriveThrough: SendWindowKernel["arriveThrough"];
  sendArriveBitmap: SendWindowKernel["arriveBitmap"];
  sendAcknowledge: SendWindowKernel["acknowledge"];
  sendRelease: SendWindowKernel["release"];
  receiveCreate: ReceiveWindowKernel["create"];
  receiveAccept: ReceiveWindowKernel["accept"];
  receiveFrontOffset: ReceiveWindowKernel["frontOffset"];
  receiveFrontLength: ReceiveWindowKernel["frontLength"];
  receiveFrontFlags: ReceiveWindowKernel["frontFlags"];
  receiveTake: ReceiveWindowKernel["take"];
  receiveHasArrived: ReceiveWindowKernel["hasArrived"];
  receiveWriteBitmap: ReceiveWindowKernel["writeBitmap"];
  receiveKeepTaken: ReceiveWindowKernel["keepTaken"];
  receiveRelease: ReceiveWindowKernel["release"];
  repairEncode: RepairKernel["encode"];
  decoderCreate: DecoderKernel["create"];
  decoderAddRepair: DecoderKernel["addRepair"];
  decoderHandleArrival: DecoderKernel["handleArrival"];
  decoderMissingRank: DecoderKernel["missingRank"];
  decoderRelease: DecoderKernel["release"];
  sealKeyLoaded: SealKernel["keyLoaded"];
  sealWipe: SealKernel["wipe"];
  sealSeal: SealKernel["seal"];
  sealOpen: SealKernel["open"];
}

/** The kernel of a new instance, and its memory of `memoryBytes`, which never grows again. */
export function createWasmKernel(
  instance: WebAssembly.Instance,
  memoryBytes: number,
  slotCount: number,
): { kernel: Kernel; buffer: ArrayBuffer } {
  const wasm = instance.exports as unknown as CoreExports;
  wasm.memory.grow((memoryBytes - wasm.memory.buffer.byteLength) / MEMORY_PAGE_BYTES);
  wasm.poolInitialise(slotCount);
  wasm.fieldInitialise();
  // Plain objects: engines call through these faster than through the exports object.
  const packets: PacketKernel = {
    encodeStop: wasm.encodeStop,
    encodeAck: wasm.encodeAck,
    encodeExtendedAck: wasm.encodeExtendedAck,
    encodeData: wasm.encodeData,
    decode: wasm.decode,
  };
  const sendWindows: SendWindowKernel = {
    create: wasm.sendCreate,
    push: wasm.sendPush,
    messageOffset: wasm.sendMessageOffset,
    messageLength: wasm.sendMessageLength,
    messageFlags: wasm.sendMessageFlags,
    setMessageFlags: wasm.sendSetMessageFlags,
    markSent: wasm.sendMarkSent,
    markLost: wasm.sendMarkLost,
    transmissions: wasm.sendTransmissions,
    sentAtMs: wasm.sendSentAtMs,
    oldestSent: wasm.sendOldestSent,
    sentAfter: wasm.sendSentAfter,
    firstLost: wasm.sendFirstLost,
    markMissing: wasm.sendMarkMissing,
    markOverdue: wasm.sendMarkOverdue,
    isArrived: wasm.sendIsArrived,
    beginSample: wasm.sendBeginSample,
    markAppLimited: wasm.sendMarkAppLimited,
    arriveThrough: wasm.sendArriveThrough,
    arriveBitmap: wasm.sendArriveBitmap,
    acknowledge: wasm.sendAcknowledge,
    release: wasm.sendRelease,
  };
  const receiveWindows: ReceiveWindowKernel = {
    create: wasm.receiveCreate,
    accept: wasm.receiveAccept,
    frontOffset: wasm.receiveFrontOffset,
    frontLength: wasm.receiveFrontLength,
    frontFlags: wasm.receiveFrontFlags,
    take: wasm.receiveTake,
    hasArrived: wasm.receiveHasArrived,
    writeBitmap: wasm.receiveWriteBitmap,
    keepTaken: wasm.receiveKeepTaken,
    release: wasm.receiveRelease,
  };
  const decoders: DecoderKernel = {
    create: wasm.decoderCreate,
    addRepair: wasm.decoderAddRepair,
    handleArrival: wasm.decoderHandleArrival,
    missingRank: wasm.decoderMissingRank,
    release: wasm.decoderRelease,
  };
  const repairs: RepairKernel = { encode: wasm.repairEncode };
  const seals: SealKernel = {
    keyLoaded: wasm.sealKeyLoaded,
    wipe: wasm.sealWipe,
    seal: wasm.sealSeal,
    open: wasm.sealOpen,
  };
  const kernel: Kernel = { packets, sendWindows, receiveWindows, repairs, decoders, seals };
  return { kernel, buffer: wasm.memory.buffer };
}
