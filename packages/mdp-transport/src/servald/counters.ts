/** What a client of a daemon counts (docs/wire.md W10): packets passed on, then why others were not, then what happened. */
export interface ServaldCounters {
  /** Packets taken from the daemon. */
  received: number;
  /** Packets given to the daemon. */
  sent: number;
  /** Datagrams that came from elsewhere than the daemon's own address. */
  droppedStranger: number;
  /** Packets marked as not ciphered or not signed. */
  droppedUnprotected: number;
  /** Packets of no bytes, or of more than fit. */
  droppedSize: number;
  /** Packets to a port that is not bound here, or to a SID that is none of the daemon's. */
  droppedNotBound: number;
  /** Records that mean nothing, or that answer nothing. */
  droppedMalformed: number;
  /** Packets not given to the daemon because it must not get them: to a special SID, or a first packet of one byte. */
  refused: number;
  /** Packets not given to the daemon because their port is not asked for yet, or is being asked for again. */
  notReady: number;
  /** Packets that the daemon refused: its queue was full, or it did not know the port to be ours. */
  refusedByDaemon: number;
  /** How often the daemon no longer knew our ports, and they were bound anew. */
  rebound: number;
  /** Questions for services that were answered, and those that were too many. */
  "services-answered": number;
  "service-limit": number;
}

export function createServaldCounters(): ServaldCounters {
  return {
    received: 0,
    sent: 0,
    droppedStranger: 0,
    droppedUnprotected: 0,
    droppedSize: 0,
    droppedNotBound: 0,
    droppedMalformed: 0,
    refused: 0,
    notReady: 0,
    refusedByDaemon: 0,
    rebound: 0,
    "services-answered": 0,
    "service-limit": 0,
  };
}
