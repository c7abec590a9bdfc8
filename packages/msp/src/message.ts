import { MESSAGE_BYTES } from "@meshstream/wasm-core";
import { MspError } from "./errors.ts";

/** Row 9 of the departures (docs/wire.md W11): a message is checked where it is given. */
export function checkMessage(message: Uint8Array): void {
  if (!(message instanceof Uint8Array)) {
    throw new MspError("argument", "a message is a Uint8Array: a text needs new TextEncoder().encode(text)");
  }
  if (message.length < 1 || message.length > MESSAGE_BYTES) {
    throw new RangeError(`a message has 1 to ${MESSAGE_BYTES} bytes, not ${message.length}`);
  }
}
