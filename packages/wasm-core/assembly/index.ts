export {
  decoderAddRepair,
  decoderCreate,
  decoderHandleArrival,
  decoderMissingRank,
  decoderRelease,
} from "./decoder";
export { fieldInitialise } from "./field";
export { decode, encodeAck, encodeData, encodeExtendedAck, encodeStop } from "./packet";
export { poolInitialise } from "./pool";
export {
  receiveAccept,
  receiveCreate,
  receiveFrontFlags,
  receiveFrontLength,
  receiveFrontOffset,
  receiveHasArrived,
  receiveKeepTaken,
  receiveRelease,
  receiveTake,
  receiveWriteBitmap,
} from "./receive-window";
export { repairEncode } from "./repair";
export { sealKeyLoaded, sealOpen, sealSeal, sealWipe } from "./seal";
export {
  sendAcknowledge,
  sendArriveBitmap,
  sendArriveThrough,
  sendBeginSample,
  sendCreate,
  sendFirstLost,
  sendIsArrived,
  sendMarkAppLimited,
  sendMarkLost,
  sendMarkMissing,
  sendMarkOverdue,
  sendMarkSent,
  sendMessageFlags,
  sendMessageLength,
  sendMessageOffset,
  sendOldestSent,
  sendPush,
  sendRelease,
  sendSentAfter,
  sendSentAtMs,
  sendSetMessageFlags,
  sendTransmissions,
} from "./send-window";
