import { codingGates, fairnessGates, type Gate, legacyGates } from "./gates.ts";
import type { Messages, Profile } from "./profiles.ts";
import type { Cell } from "./run.ts";

/** What is to be run, and what is to be judged. */
export interface Plan {
  /** The rows of the matrix. */
  readonly cells: readonly Cell[];
  /** Further rows, with deployed peers: two of them on every profile, and ours towards one where a goal says so. */
  readonly deployedCells: readonly Cell[];
  /** Further rows: the latency of messages at a pace, on every profile. */
  readonly latencyCells: readonly Cell[];
  readonly gates: readonly Gate[];
}

/** The rows that were asked for, and with `isFull` all that the goals of the matrix need beside them. */
export function plan(cells: readonly Cell[], isFull: boolean): Plan {
  if (!isFull) return { cells, deployedCells: [], latencyCells: [], gates: [] };
  const transfers = cells.filter(({ profile }) => profile.messages === undefined && hasRate(profile));
  const latencyCells = transfers.map((cell): Cell => ({ ...cell, messages: LATENCY_MESSAGES }));
  const legacy = transfers.flatMap(legacyGates);
  // What two deployed peers do when a link goes away for seconds is their ten seconds of patience, not a figure.
  const twoDeployed = transfers
    .filter(
      ({ profile }) => profile.blackhole === undefined && !legacy.some((gate) => gate.profile === profile),
    )
    .map((cell): Cell => ({ ...cell, peer: "deployed-both", coding: "off" }));
  const gates = [...legacy, ...transfers.flatMap(fairnessGates), ...codingGates([...cells, ...latencyCells])];
  return {
    cells,
    deployedCells: [...twoDeployed, ...legacy.flatMap((gate) => gate.cells)],
    latencyCells,
    gates,
  };
}

/** Every cell of a plan, each once. */
export function allCells({ cells, deployedCells, latencyCells, gates }: Plan): readonly Cell[] {
  return [...new Set([...cells, ...deployedCells, ...latencyCells, ...gates.flatMap((gate) => gate.cells)])];
}

function hasRate({ link }: Profile): boolean {
  return link.rateBitsPerSecond !== undefined;
}

export const LATENCY_MESSAGES: Messages = { perSecond: 20, bytes: 200, forMs: 60_000 };
