// The memory map of a core, in bytes: one file, compiled by tsc for the TypeScript engine and by asc for the
// wasm engine (through assembly/memory.ts), so that both lay out the same bytes. It may therefore hold nothing
// but constants whose values are whole-number literals or sums of them.
//
//      0 ..    63  nobody: an address of 0 means "none"
//     64 ..   127  the pool's own record            owner: pool
//    128 ..   255  the decoded packet               owner: packet codec, until its next call
//    256 ..  1791  transmit region                  owner: whoever builds the outgoing datagram
//   1792 ..  1855  the sample of an acknowledgement owner: send windows, until the next sample begins
//   1920 ..  1987  what was recovered last          owner: decoders, until the next call of one
//   2048 .. 18431  receive region                   owner: whoever received the datagram being read
//  18432 .. 20479  the module's own data            owner: asc (its memoryBase), empty at present
//  20480 .. 28671  products in GF(256)              owner: field arithmetic; written once, by the wasm engine only
//  28672 .. 35967  keystream and keys              owner: sealing
//  36864 ..        the pool: blocks of 1280 bytes   owner: pool; each block then its window or decoder

/** One page of WebAssembly memory, in bytes. Memory is sized in whole pages, on both engines. */
export const MEMORY_PAGE_BYTES = 65536;

/** The pool's own record: 64 bytes. Owner: the pool. */
export const POOL_RECORD = 64;
/** Address of the first block of the free list; 0 if it is empty. */
export const POOL_FREE_HEAD = 0;
/** Address of the first block that was never used; blocks from here on have not been touched. */
export const POOL_FRONTIER = 4;
/** Address after the last block. */
export const POOL_END = 8;
/** Blocks free, touched or not. */
export const POOL_FREE_COUNT = 12;
/** Blocks in all. */
export const POOL_SLOT_COUNT = 16;
/** The messages that receive windows keep after they were taken, the longest kept first: a list record. */
export const POOL_KEPT = 20;

/**
 * The packet decoded last, or the extended acknowledgement to be encoded: 24 words, 128 bytes reserved. Owner: the
 * packet codec; valid until its next call.
 */
export const PACKET_RECORD = 128;
export const PACKET_KIND = 0;
export const PACKET_FLAGS = 4;
export const PACKET_ACK = 8;
export const PACKET_SEQUENCE = 12;
export const PACKET_MESSAGE_OFFSET = 16;
export const PACKET_MESSAGE_LENGTH = 20;
// Of an extended acknowledgement only.
export const PACKET_ARRIVED = 24;
/** The byte: version in the low 4 bits, capabilities in the high ones. */
export const PACKET_VERSION = 28;
export const PACKET_WINDOW = 32;
/** In steps of 16 microseconds. */
export const PACKET_ACK_DELAY = 36;
/** -1 if there is none. */
export const PACKET_ECHO_SEQUENCE = 40;
export const PACKET_ECHO_TRANSMISSION = 44;
export const PACKET_MISSING_RANK = 48;
export const PACKET_TRAIN = 52;
/** In steps of 16 microseconds. */
export const PACKET_TRAIN_SPREAD = 56;
export const PACKET_RECOVERED = 60;
export const PACKET_BITMAP_BASE = 64;
export const PACKET_BITMAP_OFFSET = 68;
export const PACKET_BITMAP_LENGTH = 72;
// Of a repair only.
export const PACKET_REPAIR_FIRST = 76;
export const PACKET_REPAIR_COUNT = 80;
export const PACKET_REPAIR_SEED = 84;
export const PACKET_SYMBOL_OFFSET = 88;
export const PACKET_SYMBOL_LENGTH = 92;

/** The transmit region: 256 bytes of headroom, then 1280 for the MSP packet. Owner: who builds the datagram. */
export const TRANSMIT_REGION = 256;
export const TRANSMIT_REGION_BYTES = 1536;

/** The receive region: 16 KiB. Owner: who received the datagram. */
export const RECEIVE_REGION = 2048;
export const RECEIVE_REGION_BYTES = 16384;

/** Packets are written between the start of the transmit and the end of the receive region only. */
export const PACKETS_START = 256;
export const PACKETS_END = 18432;

/**
 * What has arrived since a send window's sample began: 64 bytes, the first five fields 64-bit floats. Owner: send
 * windows.
 */
export const SAMPLE_RECORD = 1792;
export const SAMPLE_BYTES = 64;
export const SAMPLE_NEWEST_SENT_AT_MS = 0;
export const SAMPLE_PRIOR_DELIVERED = 8;
export const SAMPLE_PRIOR_DELIVERED_AT_MS = 16;
export const SAMPLE_SEND_ELAPSED_MS = 24;
export const SAMPLE_ACK_ELAPSED_MS = 32;
/** The window whose sample it is. */
export const SAMPLE_WINDOW = 40;
export const SAMPLE_ARRIVED_COUNT = 44;
export const SAMPLE_ARRIVED_LOST_COUNT = 48;
/** -1 if there is none. */
export const SAMPLE_NEWEST = 52;
export const SAMPLE_NEWEST_TRANSMISSIONS = 56;
export const SAMPLE_IS_APP_LIMITED = 60;

/** How many messages a decoder recovered last, and then their numbers, 16 words. Owner: decoders. */
export const RECOVERED_RECORD = 1920;
export const RECOVERED_COUNT = 0;
export const RECOVERED_NUMBERS = 4;

/** Where asc puts what it keeps in memory itself (asconfig.json, memoryBase). Ends at {@link FIELD_PRODUCTS}. */
export const MODULE_DATA = 18432;

/** For each factor f, 32 bytes: f times 0..15, then f times 0, 16 .. 240. Only in the memory of the wasm engine. */
export const FIELD_PRODUCTS = 20480;
export const FIELD_PRODUCT_BYTES = 32;

/** Keystream: 1280 bytes. Owner, of this and all below that begins with SEAL: sealing. */
export const SEAL_STREAM = 28672;
export const SEAL_STREAM_BYTES = 1280;
/** The first two blocks of a keystream: 32 bytes of one-time key for the authenticator, then 96 for the text. */
export const SEAL_FIRST = 29952;
export const SEAL_FIRST_BYTES = 128;
/** The authenticator at work: 12 words of 64 bits. Only in the memory of the wasm engine. */
export const SEAL_AUTHENTICATOR = 30080;
/** The authenticator of a message that is being opened, 16 bytes. */
export const SEAL_TAG = 30176;
/** The keys in use: a record of 144 bytes each. */
export const SEAL_SLOTS = 30208;
export const SEAL_SLOT_BYTES = 144;
export const SEAL_SLOT_COUNT = 40;
/** The key, 32 bytes. */
export const SEAL_KEY = 0;
/** The first 16 bytes of the nonce last sealed with, and the 32 of the sub-key that belongs to them. */
export const SEAL_SENDING = 32;
/** The same of the nonce last opened with. */
export const SEAL_RECEIVING = 80;
/** In both: where the sub-key begins. */
export const SEAL_SUB_KEY = 16;
/** Which of both are filled: a word of SEAL_HAS_SENDING and SEAL_HAS_RECEIVING. */
export const SEAL_HELD = 128;
export const SEAL_HAS_SENDING = 1;
export const SEAL_HAS_RECEIVING = 2;

/** First block of the pool. */
export const POOL_START = 36864;

/** One block: a record of 64 bytes, then 1216 bytes, which hold the longest message taken in (1195). */
export const BLOCK_BYTES = 1280;
/** Where in a block that holds a message the message begins; in an index page, the entries. */
export const BLOCK_PAYLOAD = 64;
/** What the block is used for: the last word of its record. */
export const BLOCK_KIND = 60;

/** Values of {@link BLOCK_KIND}. A block that was never touched is all zero, so free. */
export const KIND_FREE = 0;
export const KIND_SEND_WINDOW = 1;
export const KIND_RECEIVE_WINDOW = 2;
export const KIND_INDEX_PAGE = 3;
export const KIND_MESSAGE = 4;
export const KIND_DECODER = 5;
export const KIND_EQUATION = 6;

/** In a free block: address of the next one in the free list, or 0. */
export const FREE_NEXT = 0;

// A message: the record of its block.
export const MESSAGE_SEQUENCE = 0;
export const MESSAGE_LENGTH = 4;
export const MESSAGE_FLAGS = 8;
/** One of the STATE_ values. */
export const MESSAGE_STATE = 12;
export const MESSAGE_TRANSMISSIONS = 16;
/** Neighbours in the list that the message is in: addresses of blocks, 0 at the ends. Nothing while it is in none. */
export const MESSAGE_BEFORE = 20;
export const MESSAGE_AFTER = 24;
/** Time of the last transmission: a 64-bit float, in milliseconds. */
export const MESSAGE_SENT_AT_MS = 32;
// Of its window, when the message was sent last: SEND_DELIVERED modulo 2^32, SEND_DELIVERED_AT_MS,
// SEND_FIRST_SENT_AT_MS.
export const MESSAGE_PRIOR_DELIVERED = 28;
export const MESSAGE_PRIOR_DELIVERED_AT_MS = 40;
export const MESSAGE_PRIOR_FIRST_SENT_AT_MS = 48;
/** A sum of MARK_ values. */
export const MESSAGE_MARKS = 56;
/** In a received message: its window. */
export const MESSAGE_WINDOW = 28;

/** Values of {@link MESSAGE_STATE}; only for a message that is sent. */
export const STATE_UNSENT = 0;
export const STATE_IN_FLIGHT = 1;
export const STATE_LOST = 2;
export const STATE_ARRIVED = 3;

/** Sent last while the sender had nothing more to send. */
export const MARK_APP_LIMITED = 1;
/** Reported missing since it was sent last. */
export const MARK_MISSING = 2;

/** Most times that a message's transmissions are counted. */
export const TRANSMISSIONS_LIMIT = 65535;

// A send window: one block. The words up to SEND_ARRIVED_COUNT and the floats are read by the checked face as well.
export const SEND_BASE = 0;
export const SEND_NEXT_UNSENT = 4;
export const SEND_NEXT = 8;
export const SEND_HELD = 12;
/** The messages in flight and the lost ones: each a list record of three words. */
export const SEND_IN_FLIGHT = 16;
export const SEND_LOST = 28;
/** Lowest number up to which the peer has not said that it has everything. */
export const SEND_ARRIVED = 40;
/** Messages held that have arrived. */
export const SEND_ARRIVED_COUNT = 44;
// Behind the first page of the index: 64-bit floats.
/** Messages that have ever arrived. */
export const SEND_DELIVERED = 1216;
/** When the last of them did; when the first was sent, if nothing was in flight then. */
export const SEND_DELIVERED_AT_MS = 1224;
/** When the message was sent that had arrived last. */
export const SEND_FIRST_SENT_AT_MS = 1232;
/** What SEND_DELIVERED must pass until the sender no longer counts as limited by its application; 0 if it is not. */
export const SEND_APP_LIMITED_UNTIL = 1240;
/**
 * Last transmission of the oldest message seen missing, by the last call that looked, that was not declared lost; or
 * Infinity.
 */
export const SEND_MISSING_SENT_AT_MS = 1248;
/** Time of the acknowledgement being taken in. */
export const SEND_NOW_MS = 1256;

// A list record, relative to SEND_IN_FLIGHT, SEND_LOST or POOL_KEPT: messages in it, first and last block.
export const LIST_COUNT = 0;
export const LIST_FIRST = 4;
export const LIST_LAST = 8;

// A receive window: one block. These words are read by the checked face as well.
export const RECEIVE_TAKEN = 0;
export const RECEIVE_ARRIVED = 4;
export const RECEIVE_HELD = 8;
export const RECEIVE_HIGHEST = 12;
/**
 * Messages kept after they were taken: the last ones before RECEIVE_TAKEN. Their index entries are those of no number
 * up to RECEIVE_HIGHEST.
 */
export const RECEIVE_KEPT = 16;
/** How many to keep at most. */
export const RECEIVE_KEEP = 20;
/** The window's decoder, or 0. */
export const RECEIVE_DECODER = 24;

// Both kinds of window: size, then the index from sequence number to block.
/** Size of the index less one: 255, 511 .. 8191. */
export const WINDOW_INDEX_MASK = 52;
/** Most messages that the window holds. */
export const WINDOW_MESSAGES_LIMIT = 56;
/** 32 addresses, one for each page of 256 entries; 0 where there is no page. The first page is WINDOW_FIRST_PAGE. */
export const WINDOW_PAGE_TABLE = 64;
/** The first page of the index lies in the window's own block: a window of up to 256 messages needs no other. */
export const WINDOW_FIRST_PAGE = 192;

/** An index page has 256 entries of one word: an address of a message's block, or 0. */
export const INDEX_PAGE_ENTRIES = 256;
export const INDEX_PAGE_BITS = 8;
export const INDEX_PAGE_BYTES = 1024;
/** In the block of an index page: entries that are not 0. */
export const PAGE_USED_COUNT = 0;

// A decoder: one block. The words up to DECODER_CONTRADICTIONS are read by the checked face as well.
/** Its receive window. */
export const DECODER_WINDOW = 0;
/** Equations stored. */
export const DECODER_ROWS = 4;
/** Unknown messages: columns in use. */
export const DECODER_COLUMNS = 8;
/** Contradictions found. */
export const DECODER_CONTRADICTIONS = 12;
/** 16 words: the number of the message that a column stands for, or -1. */
export const DECODER_COLUMN_TABLE = 64;
/** 16 words: addresses of the equations' blocks, the oldest first. */
export const DECODER_ROW_TABLE = 128;
/** Columns, and so most equations. */
export const DECODER_SIZE = 16;

// An equation: one block; its symbol is the payload. Its first 16 bytes are the coefficients, one for each column.
/** Bytes of the symbol: those of the longest repair in it. Zeros follow, up to a multiple of 16. */
export const EQUATION_LENGTH = 16;
/** The column in which it alone has a coefficient, and that is 1. */
export const EQUATION_PIVOT = 20;
