import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A new folder for one test file, as a home has it; removed after the tests. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "msp-"));
  after(() => {
    chmodSync(home, 0o700);
    rmSync(home, { recursive: true });
  });
  return home;
}
