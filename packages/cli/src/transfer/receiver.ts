import { createHash, type Hash, timingSafeEqual } from "node:crypto";
import { expectMeaning, TransferError } from "./fault.ts";
import { FileRefusal } from "./file-refusal.ts";
import type { MessageStream } from "./message-stream.ts";
import { MessageWriter } from "./message-writer.ts";
import { RecordReader } from "./record-reader.ts";
import {
  CONTROL_PAYLOAD_LIMIT,
  DIGEST_BYTES,
  encodeAccept,
  encodeGreeting,
  encodeRefuse,
  GREETING_BYTES,
  type Offer,
  parseGreeting,
  parseOffer,
  RecordType,
  RefuseReason,
  record,
} from "./records.ts";

/** A file that is being written and does not stand under its name yet. */
export interface PartialFile {
  /** Resolves when the bytes are written out; they are lent until then. Rejects with a FileRefusal. */
  write(bytes: Uint8Array): Promise<void>;
  /** Put it under its name, on the disk for good. Resolves to its path; rejects with a FileRefusal and leaves nothing. */
  commit(): Promise<string>;
  /** Leave nothing of it. Never rejects; does nothing after commit. */
  discard(): Promise<void>;
}

/** Decide on an offer: begin a file, or reject with a FileRefusal. */
export type TakeOffer = (offer: Offer) => Promise<PartialFile>;

/** What became of one offered file. */
export type ReceivedFile =
  | { readonly offer: Offer; readonly result: "done"; readonly path: string; readonly sha256: string }
  | { readonly offer: Offer; readonly result: "refused"; readonly refusal: FileRefusal };

/** What the receiver tells while it works. */
export interface ReceiverObserver {
  accepted?(offer: Offer): void;
  /** `doneBytes` of the file are written out. */
  progress?(offer: Offer, doneBytes: number): void;
  finished?(file: ReceivedFile): void;
  /** The session broke off in the middle of this file, and nothing is left of it. */
  dropped?(offer: Offer): void;
}

/**
 * Take the files that a peer offers on `stream`, until it shuts down (docs/file-transfer.md). Nothing is acknowledged
 * to the peer before it is written out. A file that is not complete, or whose SHA-256 differs, leaves nothing behind.
 *
 * Rejects with what ended the connection, or with a TransferError (the peer broke the protocol, or ended in the
 * middle of a file) after the stream is stopped. Memory: two messages.
 *
 * @example const files = await receiveFiles(socket, (offer) => directory.begin(offer));
 */
export async function receiveFiles(
  stream: MessageStream,
  take: TakeOffer,
  observer: ReceiverObserver = {},
): Promise<ReceivedFile[]> {
  const receiver = new Receiver(stream, take, observer);
  try {
    return await receiver.run();
  } catch (error) {
    stream.stop();
    await receiver.drop();
    throw error;
  }
}

class Receiver {
  readonly #stream: MessageStream;
  readonly #take: TakeOffer;
  readonly #observer: ReceiverObserver;
  readonly #writer: MessageWriter;
  readonly #reader: RecordReader;
  readonly #files: ReceivedFile[] = [];
  /** The file that is coming in. */
  #current: Incoming | undefined;
  /** After a REFUSE, what was on its way already is dropped until the next OFFER. */
  #isDropping = false;

  constructor(stream: MessageStream, take: TakeOffer, observer: ReceiverObserver) {
    this.#stream = stream;
    this.#take = take;
    this.#observer = observer;
    this.#writer = new MessageWriter((message) => stream.send(message));
    this.#reader = new RecordReader(() => stream.receive());
  }

  async run(): Promise<ReceivedFile[]> {
    await this.#say(encodeGreeting());
    expectMeaning(parseGreeting(expectMeaning(await this.#reader.take(GREETING_BYTES))));
    for (;;) {
      const header = expectMeaning(await this.#reader.next());
      if (header === undefined) break;
      switch (header.type) {
        case RecordType.OFFER:
          await this.#handleOffer();
          break;
        case RecordType.DATA:
          await this.#handleData(header.length);
          break;
        case RecordType.END:
          await this.#handleEnd(header.length);
          break;
        case RecordType.ACCEPT:
        case RecordType.REFUSE:
        case RecordType.DONE:
          throw new TransferError("the peer answers a file that was not offered to it");
      }
    }
    if (this.#current !== undefined) throw new TransferError("the peer ended in the middle of a file");
    this.#stream.shutdown();
    return this.#files;
  }

  /** Leave nothing of the file that is coming in, if there is one, and tell of it. */
  async drop(): Promise<void> {
    const offer = this.#current?.offer;
    if (offer === undefined) return;
    await this.#discard();
    this.#observer.dropped?.(offer);
  }

  async #discard(): Promise<void> {
    await this.#current?.file.discard();
    this.#current = undefined;
  }

  async #handleOffer(): Promise<void> {
    if (this.#current !== undefined) throw new TransferError("an OFFER in the middle of a file");
    const offer = expectMeaning(parseOffer(expectMeaning(await this.#reader.payload(CONTROL_PAYLOAD_LIMIT))));
    // The decision may take a person's time: the offer itself is taken now, or the peer would send it over and over.
    this.#stream.acknowledge();
    this.#isDropping = false;
    try {
      const file = await this.#take(offer);
      this.#current = { offer, file, hash: createHash("sha256"), doneBytes: 0 };
    } catch (error) {
      await this.#refuse(offer, error);
      return;
    }
    this.#observer.accepted?.(offer);
    await this.#say(encodeAccept(0));
  }

  async #handleData(length: number): Promise<void> {
    const incoming = this.#expectCurrent("DATA");
    if (incoming === undefined) return;
    const { offer, file, hash } = incoming;
    if (incoming.doneBytes + length > offer.sizeBytes) {
      await this.#refuse(offer, new FileRefusal(RefuseReason.MISMATCH, "more bytes came than were offered"));
      return;
    }
    for (;;) {
      const chunk = expectMeaning(await this.#reader.chunk());
      if (chunk === undefined) return;
      hash.update(chunk);
      try {
        await file.write(chunk);
      } catch (error) {
        await this.#refuse(offer, error);
        return;
      }
      incoming.doneBytes += chunk.length;
      this.#observer.progress?.(offer, incoming.doneBytes);
    }
  }

  async #handleEnd(length: number): Promise<void> {
    const incoming = this.#expectCurrent("END");
    if (incoming === undefined) return;
    if (length < DIGEST_BYTES) throw new TransferError(`an END of ${length} bytes`);
    const { offer, file } = incoming;
    const said = expectMeaning(await this.#reader.payload(CONTROL_PAYLOAD_LIMIT)).subarray(0, DIGEST_BYTES);
    const digest = incoming.hash.digest();
    let path: string;
    try {
      if (incoming.doneBytes !== offer.sizeBytes) {
        throw new FileRefusal(RefuseReason.MISMATCH, "fewer bytes came than were offered");
      }
      if (!timingSafeEqual(digest, said)) {
        throw new FileRefusal(RefuseReason.MISMATCH, "the SHA-256 of what came differs");
      }
      path = await file.commit();
    } catch (error) {
      await this.#refuse(offer, error);
      return;
    }
    this.#current = undefined;
    this.#finish({ offer, result: "done", path, sha256: digest.toString("hex") });
    await this.#say(record(RecordType.DONE, new Uint8Array(0)));
  }

  /** The file that a DATA or END belongs to; undefined if it is to be dropped. */
  #expectCurrent(recordName: string): Incoming | undefined {
    if (this.#current === undefined && !this.#isDropping) {
      throw new TransferError(`${recordName} without an accepted OFFER`);
    }
    return this.#current;
  }

  /** Tell the peer no, and drop what it sent for this file. Anything but a FileRefusal is a fault of ours, and goes on. */
  async #refuse(offer: Offer, error: unknown): Promise<void> {
    if (!(error instanceof FileRefusal)) throw error;
    await this.#discard();
    this.#isDropping = true;
    this.#finish({ offer, result: "refused", refusal: error });
    await this.#say(encodeRefuse({ reason: error.reason, text: error.message }));
  }

  #finish(file: ReceivedFile): void {
    this.#files.push(file);
    this.#observer.finished?.(file);
  }

  async #say(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
    await this.#writer.flush();
  }
}

interface Incoming {
  readonly offer: Offer;
  readonly file: PartialFile;
  readonly hash: Hash;
  doneBytes: number;
}
