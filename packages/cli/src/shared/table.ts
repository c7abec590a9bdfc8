/**
 * Lines of a table: each column as wide as its widest cell, two spaces between. Columns whose header begins with "<" are
 * set to the right, as figures are.
 *
 * @example table(["SID", "<HOPS"], [["57D5...", "1"]])
 */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const isRight = headers.map((header) => header.startsWith("<"));
  const lines = [headers.map((header) => header.replace(/^</, "")), ...rows];
  const widths = headers.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
  return lines.map((cells) =>
    cells
      .map((cell, column) =>
        isRight[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join("  ")
      .trimEnd(),
  );
}
