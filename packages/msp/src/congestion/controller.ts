/** Says how much may be in flight. Called by the send side of a connection; knows no clock. */
export interface CongestionController {
  /** Messages that may be sent and not yet acknowledged. */
  readonly windowPackets: number;
  /** The peer was heard for the first time. */
  handleConnected(): void;
}
