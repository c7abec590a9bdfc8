import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { type MspSocket, Sid } from "@meshstream/msp";
import { openConnection } from "../src/shared/connection.ts";
import type { Context } from "../src/shared/context.ts";
import { Report } from "../src/shared/report.ts";
import type { NodeMesh } from "../src/shared/runtime.ts";
import { StandardOutput } from "../src/shared/standard-streams.ts";

const SID = Sid.fromHex("A".repeat(64));

test("a connection is announced where a person types, and elsewhere only with -v", async () => {
  for (const [isAnnounced, expected] of [
    [true, `connected with ${SID.hex}, port 512\nended with ${SID.hex}\n`],
    [false, ""],
  ] as const) {
    const { context, mesh, connect, said } = fixture();
    const connection = await openConnection(context, mesh, { sid: SID, port: 512 }, isAnnounced);
    connect();
    await connection.run(() => Promise.resolve());
    assert.equal(said(), expected);
  }
});

test("a person who looks on is told of a peer that does not answer within a second, and only then", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const answers of [false, true]) {
    const { context, mesh, connect, said } = fixture();
    await openConnection(context, mesh, { sid: SID, port: 512 });
    t.mock.timers.tick(999);
    assert.equal(said(), "");
    if (answers) connect();
    await Promise.resolve();
    t.mock.timers.tick(1);
    assert.equal(said(), answers ? "" : `connecting to ${SID.hex} ...\n`);
  }
});

function fixture() {
  let text = "";
  const screen = {
    isTTY: true,
    write: (chunk: string) => {
      text += chunk;
    },
  };
  const options = { json: false, quiet: false, verbose: false, stdoutCarriesData: true };
  const report = new Report(options, new StandardOutput(new Writable()), screen, () => 0);
  let connect = (): void => undefined;
  const connected = new Promise<void>((resolve) => {
    connect = resolve;
  });
  const socket = {
    remote: { sid: SID, port: 512 },
    connected,
    closed: Promise.resolve("clean"),
    stats: {},
    stop: () => assert.fail("nobody asked for it"),
  } as unknown as MspSocket;
  return {
    context: { report, interruption: { signal: new AbortController().signal } } as Context,
    mesh: { connect: () => Promise.resolve(socket) } as unknown as NodeMesh,
    connect,
    said: () => text,
  };
}
