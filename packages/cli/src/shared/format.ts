/** `bytes` for people: "999 B", "1.5 MB". Decimal units. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999 950 would round to 1000.0 kB.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** A rate for people: "1.5 MB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** A time for people: "0:07", "12:34", "1:02:03". */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const clock = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  const [first, ...rest] = hours > 0 ? [hours, ...clock] : clock;
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/**
 * Text from a peer, fit for a terminal: whatever could move the cursor or hide is shown as an escape, and no more than
 * `limit` characters are.
 *
 * @example printable("a\u001b[2J") // "a\\u{1b}[2J"
 */
export function printable(text: string, limit = 300): string {
  const clean = text
    .slice(0, limit)
    .replace(/[\p{C}\u2028\u2029]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
  return text.length > limit ? `${clean}...` : clean;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"] as const;
