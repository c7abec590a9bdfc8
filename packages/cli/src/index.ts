export { run } from "./program.ts";
export { Directory, type DirectoryOptions } from "./transfer/directory.ts";
export { TransferError } from "./transfer/fault.ts";
export { fileNameFault } from "./transfer/file-name.ts";
export { FileRefusal } from "./transfer/file-refusal.ts";
export { describeLocalFile, LocalFileError } from "./transfer/local-file.ts";
export type { MessageStream } from "./transfer/message-stream.ts";
export {
  type PartialFile,
  type ReceivedFile,
  type ReceiverObserver,
  receiveFiles,
  type TakeOffer,
} from "./transfer/receiver.ts";
export { FILE_TRANSFER_PORT, type Offer, type Refuse, RefuseReason } from "./transfer/records.ts";
export { type FileSource, type SenderObserver, type SentFile, sendFiles } from "./transfer/sender.ts";
