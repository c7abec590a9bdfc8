import assert from "node:assert/strict";
import { test } from "node:test";
import { DeployedGuard, ForbiddenError } from "../src/matrix/deployed-guard.ts";

const ACK = 0x02;
const FIRST = 0x04;

function data(sequence: number, flags = ACK, bytes = 1029): Uint8Array {
  const packet = new Uint8Array(bytes);
  packet.set([flags, 0xff, 0xff, sequence & 0xff, sequence >> 8]);
  return packet;
}

function send(guard: DeployedGuard, packet: Uint8Array, nowMs = 0): void {
  guard.handleSent(packet, packet.length, nowMs);
}

function forbidden(act: () => void, text: RegExp): void {
  assert.throws(act, (error: unknown) => error instanceof ForbiddenError && text.test(error.message));
}

for (const [what, packet, text] of [
  ["an empty packet", new Uint8Array(), /an empty packet/],
  ["a FIRST of a single byte", Uint8Array.of(FIRST), /a FIRST of 1 bytes/],
  ["a packet of two bytes", Uint8Array.of(ACK, 0), /2 bytes/],
  ["one byte that is no STOP", Uint8Array.of(ACK), /1 bytes/],
  ["1 030 bytes", data(0, ACK, 1030), /1030 bytes/],
  ["an extended acknowledgement", data(0, 0xc0, 30), /a type of the extension/],
  ["a repair", data(0, 0xd0), /a type of the extension/],
  ["a fourth byte that is not zero", Uint8Array.of(ACK, 0, 0, 0x11), /fourth byte of 17/],
] as const) {
  test(`not to be sent: ${what}`, () => forbidden(() => send(new DeployedGuard(), packet), text));
}

test("allowed: STOP, acknowledgements of three bytes and four, a message with unused flags", () => {
  const guard = new DeployedGuard();
  for (const packet of [
    Uint8Array.of(0x08),
    Uint8Array.of(FIRST, 0xff, 0xff),
    Uint8Array.of(0x80 | FIRST, 0xff, 0xff, 0),
    data(0, 0x90 | FIRST),
    data(1, FIRST, 5),
  ]) {
    send(guard, packet);
  }
});

test("eight messages back to back pass, the ninth does not; acknowledgements are not counted", () => {
  const guard = new DeployedGuard();
  for (let i = 0; i < 8; i++) send(guard, data(i));
  for (let i = 0; i < 50; i++) send(guard, Uint8Array.of(ACK, 0, 0));
  forbidden(() => send(guard, data(8)), /more than 8 messages back to back/);
});

test("eight a millisecond pass, nine do not", () => {
  const bucket = (perMs: number) => {
    const guard = new DeployedGuard();
    for (let i = 0; i < 200; i++) send(guard, data(i), i / perMs);
  };
  bucket(8);
  forbidden(() => bucket(9), /back to back/);
});

test("256 messages in flight pass, one more does not; what is acknowledged is no longer in flight", () => {
  const guard = new DeployedGuard();
  for (let i = 0; i < 256; i++) send(guard, data(i), i);
  send(guard, data(17), 300);
  guard.handleReceived(Uint8Array.of(ACK, 0, 0), 3);
  send(guard, data(256), 301);
  forbidden(() => send(guard, data(257), 302), /257 messages in flight/);
});

test("messages are counted through the laps of their numbers", () => {
  const guard = new DeployedGuard();
  for (let i = 0; i < 140_000; i++) {
    send(guard, data(i & 0xffff), i);
    guard.handleReceived(Uint8Array.of(ACK, i & 0xff, (i >> 8) & 0xff), 3);
  }
});

test("not to be sent: SHUTDOWN with the number 65 535 on the first lap", () => {
  const guard = new DeployedGuard();
  for (let i = 0; i < 0xffff; i++) {
    send(guard, data(i), i);
    guard.handleReceived(Uint8Array.of(ACK, i & 0xff, (i >> 8) & 0xff), 3);
  }
  forbidden(() => send(guard, data(0xffff, ACK | 0x01), 70_000), /65 535/);
});
