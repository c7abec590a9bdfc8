import {
  type Core,
  type DecodedRepair,
  type Decoder,
  type ReceiveWindow,
  RepairOutcome,
  type SequenceNumber,
} from "@meshstream/wasm-core";

/** What became of a repair; all but "used" are counted drops. */
export type RepairMeaning =
  | "used"
  | "redundant"
  | "too-old"
  | "ahead"
  | "too-wide"
  | "contradictory"
  | "no-slot";

/** The decoder of a receive window, which is made when the first repair comes: most connections never see one. */
export class RepairDecoder {
  private readonly core: Core;
  private readonly window: ReceiveWindow;
  private decoder: Decoder | undefined;

  constructor(core: Core, window: ReceiveWindow) {
    this.core = core;
    this.window = window;
  }

  /** Independent equations still needed; 0 before the first repair. */
  get missingRank(): number {
    return this.decoder?.missingRank ?? 0;
  }

  /** Messages that the last call recovered: they are in the window. */
  get recoveredCount(): number {
    return this.decoder?.recoveredCount ?? 0;
  }

  recovered(index: number): SequenceNumber {
    return this.decoder!.recovered(index);
  }

  /** The caller sees to it that the pool has a free slot. */
  handleRepair({ first, count, seed, symbolOffset, symbolLength }: DecodedRepair): RepairMeaning {
    this.decoder ??= this.core.createDecoder(this.window);
    return MEANINGS[this.decoder.addRepair(first, count, seed, symbolOffset, symbolLength)];
  }

  /** The window has kept a message. Returns how many others are recovered with it. */
  handleArrival(sequence: SequenceNumber): number {
    if (this.decoder === undefined || this.decoder.storedCount === 0) return 0;
    return this.decoder.handleArrival(sequence);
  }

  release(): void {
    this.decoder?.release();
  }
}

const MEANINGS: Readonly<Record<RepairOutcome, RepairMeaning>> = {
  [RepairOutcome.STORED]: "used",
  [RepairOutcome.RECOVERED]: "used",
  [RepairOutcome.REDUNDANT]: "redundant",
  [RepairOutcome.TOO_OLD]: "too-old",
  [RepairOutcome.AHEAD]: "ahead",
  [RepairOutcome.TOO_WIDE]: "too-wide",
  [RepairOutcome.CONTRADICTORY]: "contradictory",
  [RepairOutcome.NO_SLOT]: "no-slot",
};
