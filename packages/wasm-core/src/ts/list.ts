import { LIST_COUNT, LIST_FIRST, LIST_LAST, MESSAGE_AFTER, MESSAGE_BEFORE } from "../memory-map.ts";
import type { Pool } from "./pool.ts";

// A list of messages, linked through their records. `list` is the address of a list record.

/** Put a message at the end; it is in no list. */
export function listAppend(pool: Pool, list: number, message: number): void {
  const last = pool.load(list + LIST_LAST);
  pool.store(message + MESSAGE_BEFORE, last);
  pool.store(message + MESSAGE_AFTER, 0);
  pool.store(last === 0 ? list + LIST_FIRST : last + MESSAGE_AFTER, message);
  pool.store(list + LIST_LAST, message);
  pool.store(list + LIST_COUNT, pool.load(list + LIST_COUNT) + 1);
}

/** Take a message out, wherever it stands. */
export function listUnlink(pool: Pool, list: number, message: number): void {
  const before = pool.load(message + MESSAGE_BEFORE);
  const after = pool.load(message + MESSAGE_AFTER);
  pool.store(before === 0 ? list + LIST_FIRST : before + MESSAGE_AFTER, after);
  pool.store(after === 0 ? list + LIST_LAST : after + MESSAGE_BEFORE, before);
  pool.store(list + LIST_COUNT, pool.load(list + LIST_COUNT) - 1);
}
