/**
 * Slots of the core's pool that each use leaves free for those after it, so that a pool which is used up slows connections
 * but stops none: whoever queues messages to send leaves the most, then what arrives before the application can take it. The
 * one message that an application waits for may take the last slot.
 */
export const SlotReserve = {
  SEND: 32,
  /** Also left by a message to send if its connection has no other in its send window. */
  RECEIVE: 16,
} as const;
