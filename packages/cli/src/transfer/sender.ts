import { createHash } from "node:crypto";
import { expectMeaning, TransferError } from "./fault.ts";
import type { MessageStream } from "./message-stream.ts";
import { MessageWriter } from "./message-writer.ts";
import { RecordReader } from "./record-reader.ts";
import {
  CONTROL_PAYLOAD_LIMIT,
  encodeGreeting,
  encodeHeader,
  encodeOffer,
  GREETING_BYTES,
  type Offer,
  parseAccept,
  parseGreeting,
  parseRefuse,
  RecordType,
  type Refuse,
  record,
} from "./records.ts";

/** A file to send. */
export interface FileSource {
  readonly offer: Offer;
  /**
   * The file's bytes from its start, in stretches that are lent until the next is asked for. Must give exactly
   * `offer.sizeBytes` or throw. Called at most once.
   */
  read(): AsyncIterable<Uint8Array>;
}

/** What became of one file. */
export type SentFile =
  | { readonly name: string; readonly result: "done"; readonly sha256: string }
  | { readonly name: string; readonly result: "refused"; readonly refuse: Refuse };

/** What the sender tells while it works. */
export interface SenderObserver {
  /** The offer is handed to the connection; the peer may take a person's time to answer. */
  offered?(offer: Offer): void;
  accepted?(offer: Offer): void;
  /** `doneBytes` of the file are handed to the connection. */
  progress?(offer: Offer, doneBytes: number): void;
  finished?(file: SentFile): void;
}

/**
 * Offer and send `files`, one after the other, then shut this direction down and wait for the peer's end
 * (docs/file-transfer.md). A refused file does not keep the next from being sent.
 *
 * Rejects with what ended the connection, with a TransferError (the peer broke the protocol) or with what a source
 * threw; after the latter two the stream is stopped. Memory: one message and what a source lends.
 *
 * @example const [file] = await sendFiles(socket, [await openLocalFile("report.pdf")]);
 */
export async function sendFiles(
  stream: MessageStream,
  files: readonly FileSource[],
  observer: SenderObserver = {},
): Promise<SentFile[]> {
  try {
    return await new Sender(stream, observer).run(files);
  } catch (error) {
    stream.stop();
    throw error;
  }
}

class Sender {
  readonly #stream: MessageStream;
  readonly #observer: SenderObserver;
  readonly #writer: MessageWriter;
  readonly #reader: RecordReader;
  #greeted = false;

  constructor(stream: MessageStream, observer: SenderObserver) {
    this.#stream = stream;
    this.#observer = observer;
    this.#writer = new MessageWriter((message) => stream.send(message));
    this.#reader = new RecordReader(() => stream.receive());
  }

  async run(files: readonly FileSource[]): Promise<SentFile[]> {
    const sent: SentFile[] = [];
    await this.#writer.write(encodeGreeting());
    for (const file of files) {
      const outcome = await this.#sendFile(file);
      this.#observer.finished?.(outcome);
      sent.push(outcome);
    }
    await this.#writer.flush();
    this.#stream.shutdown();
    // The peer has nothing more to say, but only its end says that it has taken everything.
    while ((await this.#stream.receive()) !== undefined);
    return sent;
  }

  async #sendFile(file: FileSource): Promise<SentFile> {
    const { offer } = file;
    await this.#writer.write(encodeOffer(offer));
    await this.#writer.flush();
    this.#observer.offered?.(offer);
    const answer = await this.#reply();
    if (answer.type === RecordType.REFUSE) return refused(offer, answer.payload);
    if (answer.type !== RecordType.ACCEPT) throw new TransferError("the peer said DONE to an OFFER");
    const offset = expectMeaning(parseAccept(answer.payload));
    if (offset > offer.sizeBytes) throw new TransferError("the peer accepted an offset beyond the end");
    this.#observer.accepted?.(offer);

    // The peer's last word may come early: a REFUSE in the middle of the file, or the end of the connection.
    let isOver = false;
    const last = this.#reply();
    const note = (): void => {
      isOver = true;
    };
    last.then(note, note);
    const digest = await this.#sendBytes(file, offset, () => isOver);
    const reply = await last;
    if (reply.type === RecordType.REFUSE) return refused(offer, reply.payload);
    if (reply.type !== RecordType.DONE) throw new TransferError("the peer accepted the same file twice");
    if (digest === undefined) throw new TransferError("the peer said DONE before the end of the file");
    return { name: offer.name, result: "done", sha256: digest };
  }

  /** Send the bytes from `offset` on and END. Resolves to the SHA-256 of the whole, or undefined if `isOver` before. */
  async #sendBytes(file: FileSource, offset: number, isOver: () => boolean): Promise<string | undefined> {
    const hash = createHash("sha256");
    let position = 0;
    for await (const chunk of file.read()) {
      if (isOver()) return undefined;
      hash.update(chunk);
      const unsent = chunk.subarray(Math.min(chunk.length, Math.max(0, offset - position)));
      position += chunk.length;
      if (unsent.length > 0) {
        await this.#writer.write(encodeHeader(RecordType.DATA, unsent.length));
        await this.#writer.write(unsent);
      }
      this.#observer.progress?.(file.offer, position);
    }
    const digest = hash.digest();
    await this.#writer.write(record(RecordType.END, digest));
    await this.#writer.flush();
    return digest.toString("hex");
  }

  /** The next ACCEPT, REFUSE or DONE. */
  async #reply(): Promise<Reply> {
    if (!this.#greeted) {
      this.#greeted = true;
      expectMeaning(parseGreeting(expectMeaning(await this.#reader.take(GREETING_BYTES))));
    }
    for (;;) {
      const header = expectMeaning(await this.#reader.next());
      if (header === undefined) throw new TransferError("the peer ended before the file was done");
      const { type } = header;
      if (type === RecordType.ACCEPT || type === RecordType.REFUSE || type === RecordType.DONE) {
        return { type, payload: expectMeaning(await this.#reader.payload(CONTROL_PAYLOAD_LIMIT)) };
      }
      if (type === RecordType.OFFER || type === RecordType.DATA || type === RecordType.END) {
        throw new TransferError("the peer sends files on a connection that takes none");
      }
    }
  }
}

interface Reply {
  readonly type: number;
  readonly payload: Uint8Array;
}

function refused(offer: Offer, payload: Uint8Array): SentFile {
  return { name: offer.name, result: "refused", refuse: expectMeaning(parseRefuse(payload)) };
}
