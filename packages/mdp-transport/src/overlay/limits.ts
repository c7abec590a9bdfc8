/**
 * Everything in an overlay node that can grow, and how far. Worst-case memory in brackets; in all about 28 MiB for a
 * node with one identity, and 1.3 MiB for each link with a rate.
 */
export const Limit = {
  /** SIDs that were only heard of; the least recently used goes first [1 KiB each: 4 MiB with their shared keys]. */
  UNVERIFIED_SIDS: 4096,
  /** SIDs that opened a sealed frame or that the application named; the same, on their own [1 KiB each]. */
  VERIFIED_SIDS: 4096,
  /** SIDs that begin with the same byte, of any kind: how many a search passes at most. */
  SIDS_ALIKE: 1024,
  /** Neighbour relations: one for each SID, link and address [2 KiB each]. */
  NEIGHBOURS: 256,
  /** Paths that neighbours announce, all together [200 bytes each, and two SIDs of 500: 19 MiB]. */
  ANNOUNCED: 16_384,
  /** Paths that one neighbour announces. */
  ANNOUNCED_BY_NEIGHBOUR: 2048,
  /** SIDs told of to neighbours, beyond which a path that is gone is not told of for long [150 bytes each]. */
  TOLD: 4096,
  /** Bytes of changed path records in a millisecond, to all neighbours: what changes all the time waits. */
  PATH_BYTES_PER_MS: 100,
  /** Ids of broadcasts that were heard, to know a copy [100 bytes each]. */
  BROADCAST_IDS: 4096,
  /** Peers configured on a link [200 bytes each]. */
  PEERS_PER_LINK: 256,
  /** Links of a node: the interface number is one byte. */
  LINKS: 256,
  /** Frames with ACK_SOON that are remembered, to know a copy; twice as many for a while [40 bytes each]. */
  COPIES: 16_384,
  /** Frames that wait in each of the four queues of a link with a rate [1.3 KiB each]. */
  QUEUED: 256,
  /** Of these, for one neighbour. */
  QUEUED_PER_NEIGHBOUR: 64,
  /** Frames that are kept until a neighbour has acknowledged them [1.4 KiB each]. */
  HELD: 2048,
  /** Of these, to one neighbour. */
  HELD_PER_NEIGHBOUR: 256,
  /** Ports bound at once [500 bytes each]. */
  BINDINGS: 16_384,
  /** Packets under way between ports of this node [1.3 KiB each]. */
  LOCAL_QUEUE: 512,
  /** Services that have a name [300 bytes each]. */
  SERVICES: 64,
  /** Abbreviations whose last question is remembered [200 bytes each]. */
  ASKED: 512,
  /** Addresses read from one explain frame. */
  EXPLAINED_PER_FRAME: 8,
  /** SIDs told in one answer. */
  ANSWERS_PER_FRAME: 4,
} as const;
