import { encodeFrame, encodeHello, type FrameFault, FrameReader } from "../../src/attach/frame.ts";
import { type MdpRecord, parseRecord, type RecordHeader } from "../../src/mdp2/record.ts";
import { drain, type MemoryStream } from "./byte-streams.ts";

/** One side of the attach protocol, by hand: writes whatever it is told and keeps what it gets. */
export class RawPeer {
  readonly records: MdpRecord[] = [];
  readonly faults: FrameFault[] = [];
  isEnded = false;
  readonly stream: MemoryStream;

  constructor(stream: MemoryStream, hello: Uint8Array = encodeHello()) {
    this.stream = stream;
    const reader = new FrameReader({
      handleHello: () => {},
      handleRecord: (bytes) => this.keep(bytes),
      handleFault: (fault) => this.faults.push(fault),
    });
    stream.onData((chunk) => reader.push(chunk));
    stream.onClose(() => {
      this.isEnded = true;
    });
    stream.write(hello);
  }

  write(header: RecordHeader, payload?: Uint8Array): void {
    this.stream.write(encodeFrame(header, payload));
  }

  /** Write, and give back what comes in answer. */
  async ask(header: RecordHeader, payload?: Uint8Array): Promise<MdpRecord[]> {
    const before = this.records.length;
    this.write(header, payload);
    await drain();
    return this.records.slice(before);
  }

  private keep(bytes: Uint8Array): void {
    const record = parseRecord(bytes.slice(), true);
    if (record.kind === "fault") throw new Error(`a record without meaning: ${record.reason}`);
    this.records.push(record);
  }
}
