/** Longest file name that is taken, in bytes of UTF-8: the limit of the usual file systems. */
export const FILE_NAME_BYTES = 255;

/**
 * Why a receiver does not take a file under `name`, as a clause for people; undefined if it does.
 * (docs/file-transfer.md, Names): a name is one visible part of a path. `windows` adds the characters that its
 * file systems give a meaning of their own, such as the colon of an alternate stream.
 *
 * @example fileNameFault("../key", false) // 'it has a "/": a name is no path'
 */
export function fileNameFault(name: string, windows: boolean): string | undefined {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes === 0) return "it is empty";
  if (bytes > FILE_NAME_BYTES) return `it has ${bytes} bytes, and ${FILE_NAME_BYTES} is the most`;
  const separator = /[/\\]/.exec(name);
  if (separator !== null) return `it has a "${separator[0]}": a name is no path`;
  // ".", ".." and hidden files: a peer must not be able to leave settings that nobody sees.
  if (name.startsWith(".")) return "it begins with a dot";
  if (/[. ]$/.test(name)) return "it ends with a dot or a space";
  if (UNPRINTABLE.test(name)) return "it has control characters";
  if (windows && /[<>:"|?*]/.test(name)) return 'it has one of < > : " | ? *';
  if (RESERVED.test(name)) return "it is a device's name on some systems";
  return undefined;
}

// Controls, line separators, and the marks that turn the direction of writing (they disguise an extension).
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;
