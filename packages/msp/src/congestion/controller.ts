/**
 * Says how much may be in flight and how fast it may leave. Called by the send side of a connection with what happened;
 * knows no clock. Everything is counted in packets, retransmissions and repairs too: on a radio each costs the same air.
 */
export interface CongestionController {
  /** Packets that may be sent and not yet known to have arrived or to be lost. */
  readonly windowPackets: number;
  /** Packets that may leave in a millisecond; Infinity: as many as the window allows. */
  readonly pacingPerMs: number;
  /** Packets that may leave back to back. */
  readonly burstPackets: number;
  /** Packets that should leave back to back, if there are so many: 1, or a train that measures the path. */
  readonly trainPackets: number;
  /** Share of packets that the path loses although nothing is queued: what coding has to make up for. 0..0.4. */
  readonly lossRatio: number;
  /** The peer was heard for the first time. `knowsExtension`: it is no deployed peer. */
  handleConnected(knowsExtension: boolean): void;
  /** An acknowledgement came, or messages were found lost. The report is valid during the call. */
  handleReport(report: Readonly<PathReport>): void;
  /** Nothing came back for a whole timeout: everything in flight was declared lost. */
  handleSilence(nowMs: number): void;
}

/** What one acknowledgement, or the recovery, has told about the path. One object, filled anew each time. */
export interface PathReport {
  nowMs: number;
  /** Messages that are now known to have arrived and were not before. */
  arrived: number;
  /** Those of them that had to be decoded from repairs: their own packets are lost. */
  recovered: number;
  /** Messages newly declared lost. */
  lost: number;
  /** Messages still in flight, after all this. */
  inFlight: number;
  /** Messages known to have arrived since the connection began. */
  delivered: number;
  /** The same when the message, of those newly arrived, that was sent last was sent; -1 if none is newly arrived. */
  priorDelivered: number;
  /**
   * Messages delivered between then and now, divided by the time that this took: the delivery rate in packets per ms
   * (draft-cheng-iccrg-delivery-rate-estimation). 0 if this report holds no measure of it.
   */
  deliveryPerMs: number;
  /** The sender had nothing more to send when that message left: the rate may be the application's, not the path's. */
  isAppLimited: boolean;
  /** A round trip, without the peer's delay; -1 if this report holds none. */
  rttMs: number;
  /** How fast a train of packets that left back to back arrived, in packets per ms: what the slowest link can do. 0 if none. */
  trainPerMs: number;
}

/** A report that says nothing yet. */
export function emptyReport(): PathReport {
  return {
    nowMs: 0,
    arrived: 0,
    recovered: 0,
    lost: 0,
    inFlight: 0,
    delivered: 0,
    priorDelivered: -1,
    deliveryPerMs: 0,
    isAppLimited: false,
    rttMs: -1,
    trainPerMs: 0,
  };
}
