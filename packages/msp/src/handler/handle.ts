declare const brand: unique symbol;

/**
 * Stands for a socket; nothing can be read from it. Copy and compare it freely: `===` means the same socket.
 * It is valid from mspSocket() until the handler call with CLOSED has returned, and only with the API object that made it.
 */
export interface MspHandle {
  readonly [brand]: true;
}

/** The handle that refers to no socket. */
export const SOCKET_NULL: MspHandle = createHandle();

export function createHandle(): MspHandle {
  return Object.freeze({}) as MspHandle;
}
