// The memory map of a core, in bytes: one file, compiled by tsc for the TypeScript engine and by asc for the
// wasm engine (through assembly/memory.ts), so that both lay out the same bytes. It may therefore hold nothing
// but constants whose values are whole-number literals or sums of them.
//
//      0 ..    63  nobody: an address of 0 means "none"
//     64 ..   127  the pool's own record            owner: pool
//    128 ..   191  the decoded packet               owner: packet codec, until its next call
//    256 ..  1791  transmit region                  owner: whoever builds the outgoing datagram
//   2048 .. 18431  receive region                   owner: whoever received the datagram being read
//  18432 .. 32767  constant tables of the module    owner: asc (its memoryBase), empty at present
//  32768 ..        the pool: blocks of 1280 bytes   owner: pool; each block then its window

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

/** The decoded packet: six words, 64 bytes reserved. Owner: the packet codec; valid until its next call. */
export const PACKET_RECORD = 128;
export const PACKET_KIND = 0;
export const PACKET_FLAGS = 4;
export const PACKET_ACK = 8;
export const PACKET_SEQUENCE = 12;
export const PACKET_MESSAGE_OFFSET = 16;
export const PACKET_MESSAGE_LENGTH = 20;

/** The transmit region: 256 bytes of headroom, then 1280 for the MSP packet. Owner: who builds the datagram. */
export const TRANSMIT_REGION = 256;
export const TRANSMIT_REGION_BYTES = 1536;

/** The receive region: 16 KiB. Owner: who received the datagram. */
export const RECEIVE_REGION = 2048;
export const RECEIVE_REGION_BYTES = 16384;

/** Where asc puts what it keeps in memory itself (asconfig.json, memoryBase). Ends at {@link POOL_START}. */
export const MODULE_DATA = 18432;

/** First block of the pool. */
export const POOL_START = 32768;

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

/** Values of {@link MESSAGE_STATE}; a received message stays in the first. */
export const STATE_UNSENT = 0;
export const STATE_IN_FLIGHT = 1;
export const STATE_LOST = 2;

/** Most times that a message's transmissions are counted. */
export const TRANSMISSIONS_LIMIT = 65535;

// A send window: one block. The words up to SEND_LOST are read by the checked face as well.
export const SEND_BASE = 0;
export const SEND_NEXT_UNSENT = 4;
export const SEND_NEXT = 8;
export const SEND_HELD = 12;
/** The messages in flight and the lost ones: each a list record of three words. */
export const SEND_IN_FLIGHT = 16;
export const SEND_LOST = 28;

// A list record, relative to SEND_IN_FLIGHT or SEND_LOST: messages in it, first and last block.
export const LIST_COUNT = 0;
export const LIST_FIRST = 4;
export const LIST_LAST = 8;

// A receive window: one block. These words are read by the checked face as well.
export const RECEIVE_TAKEN = 0;
export const RECEIVE_ARRIVED = 4;
export const RECEIVE_HELD = 8;

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
