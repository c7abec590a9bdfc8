import { LIST_COUNT, LIST_FIRST, LIST_LAST, MESSAGE_AFTER, MESSAGE_BEFORE } from "./memory";

// A list of messages, linked through their records. `list` is the address of a list record.

/** Put a message at the end; it is in no list. */
export function listAppend(list: usize, message: usize): void {
  const last = <usize>load<u32>(list, LIST_LAST);
  store<u32>(message, <u32>last, MESSAGE_BEFORE);
  store<u32>(message, 0, MESSAGE_AFTER);
  store<u32>(last == 0 ? list + LIST_FIRST : last + MESSAGE_AFTER, <u32>message);
  store<u32>(list, <u32>message, LIST_LAST);
  store<i32>(list, load<i32>(list, LIST_COUNT) + 1, LIST_COUNT);
}

/** Take a message out, wherever it stands. */
export function listUnlink(list: usize, message: usize): void {
  const before = <usize>load<u32>(message, MESSAGE_BEFORE);
  const after = <usize>load<u32>(message, MESSAGE_AFTER);
  store<u32>(before == 0 ? list + LIST_FIRST : before + MESSAGE_AFTER, <u32>after);
  store<u32>(after == 0 ? list + LIST_LAST : after + MESSAGE_BEFORE, <u32>before);
  store<i32>(list, load<i32>(list, LIST_COUNT) - 1, LIST_COUNT);
}
