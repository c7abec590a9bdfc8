/** Times of the overlay, in milliseconds (docs/wire.md W4 to W8; departures in W11). */
export const Timing = {
  /** Between two records to a neighbour; they are its ticks. */
  TICK: 500,
  /** Between two broadcast ticks, once the first ones are out. */
  BROADCAST_TICK: 5000,
  /** From the first broadcast tick to the second; doubles up to BROADCAST_TICK. */
  FIRST_BROADCAST_TICK: 100,
  /** From the first tick to a configured peer, or record to a half-made neighbour, to the second; doubles up to TICK. */
  FIRST_RETRY: 20,
  /** Shortest time between two records to the same neighbour. */
  RECORD_SPACING: 5,
  /** A link is gone so long after the last record saying that the neighbour hears us. */
  LINK_GONE: 2500,
  /** A frame that was sent again is known as a copy for so long at least: 1 s of resending, and a slow way. */
  COPY: 2000,
  /** A link with a rate is sent so much ahead of it: what a timer may be late. */
  LINK_BURST: 2,
  /** A frame that waits, to be sent or for its acknowledgement, is given up after so long. */
  FRAME_EXPIRY: 1000,
  /** A frame with ACK_SOON is sent again after so long, or longer where acknowledgements take longer. */
  RESEND: 65,
  /** The same, while no acknowledgement was timed: the neighbour may give one at its tick only. */
  RESEND_FIRST: 550,
  /** The same, at most. */
  RESEND_LONGEST: 900,
  /** A relation that was not heard for so much longer than another of the same node is not used: two ticks and a half. */
  SILENCE: 1250,
  /** A neighbour that acknowledged nothing new for so long, in records that came, no longer hears us. */
  DEAF: 1900,
  /** A frame with ACK_SOON is acknowledged so soon: half of a third of the shortest resend delay. */
  ACK_SOON: 10,
  /** A gap in the packet numbers of a neighbour that wants acknowledgements is reported so soon. */
  ACK_GAP: 5,
  /** Between two rounds of path records. */
  PATHS: 5000,
  /** From a change to the next round of path records. */
  PATHS_CHANGED: 5,
  /** Between two packets with changed path records, at least. */
  PATHS_SPACING: 20,
  /** From a changed path record to its repetition. */
  PATHS_AGAIN: 60,
  /** So long after a path record one with an older version counts as overtaken; later, as of a node that began anew. */
  PATH_OVERTAKEN: 1000,
  /** The drop rate of a link that counts is a mean over so long. */
  DROP_RATE_MEAN: 4000,
  /** A path is forgotten so long after it was last announced: three rounds. */
  PATH_GONE: 15_000,
  /** Between two questions about the same abbreviation. */
  ASK_SPACING: 20,
} as const;
