/** What each side of the attach protocol counts (docs/wire.md W12): records passed on, then why others were not. */
export interface AttachCounters {
  /** Data records taken from the other side. */
  received: number;
  /** Data records given to the other side. */
  sent: number;
  /** Data not written because the other side does not read fast enough: to MSP, loss. */
  droppedQueueFull: number;
  /** Data for, or in the name of, a port that the client has not bound. */
  droppedNotBound: number;
  /** Data in the name of a SID that is not the node's. */
  droppedNotOurs: number;
  /** Data marked as not ciphered or not signed. */
  droppedUnprotected: number;
  /** Data of no bytes, or of more than fit. */
  droppedSize: number;
  /** Records that mean nothing, or nothing here. */
  droppedMalformed: number;
}

export function createAttachCounters(): AttachCounters {
  return {
    received: 0,
    sent: 0,
    droppedQueueFull: 0,
    droppedNotBound: 0,
    droppedNotOurs: 0,
    droppedUnprotected: 0,
    droppedSize: 0,
    droppedMalformed: 0,
  };
}
