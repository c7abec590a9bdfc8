export { decode, encodeAck, encodeData, encodeStop } from "./packet";
export { poolInitialise } from "./pool";
export {
  receiveAccept,
  receiveCreate,
  receiveFrontFlags,
  receiveFrontLength,
  receiveFrontOffset,
  receiveRelease,
  receiveTake,
} from "./receive-window";
export {
  sendAcknowledge,
  sendCreate,
  sendFirstLost,
  sendMarkLost,
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
