// The command msp in a child process, as a person would run it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../packages/cli/bin/msp.js", import.meta.url));

/**
 * Start `msp` with `words` and --json. `onEvent` gets each event; whatever else it says goes to standard error.
 *
 * @param {string[]} words
 * @param {(event: Record<string, any>) => void} onEvent
 */
export function startMsp(words, onEvent) {
  const child = spawn(process.execPath, [COMMAND, ...words, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => onEvent(JSON.parse(line)));
  const ended = Promise.all([once(child, "exit"), once(lines, "close")]).then(
    ([[code, signal]]) => code ?? signal,
  );
  return {
    /** Resolves to the exit code, or to the name of the signal that ended it, when all events are told. */
    ended,
    /** End it, if it still runs. */
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

const STOP_PATIENCE_MS = 3000;
