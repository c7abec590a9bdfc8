import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { createCore } from "@meshstream/wasm-core";
import { holdHome } from "../src/holder.ts";
import type { HomeSeat } from "../src/home-lock.ts";
import { openUdp } from "../src/udp.ts";
import { temporaryHome } from "./temporary-home.ts";

describe("the node of a home that is held here", () => {
  it("frees its UDP port before it gives the home up, for the next holder wants both", async () => {
    let isFree = false;
    const { access } = await hold(async () => {
      await (await openUdp({ bind: access.bound!, broadcast: false })).close();
      isFree = true;
    });
    await access.transport.close();
    assert.ok(isFree);
  });

  it("lets clients go that come while it closes", async () => {
    const { access, come } = await hold(async () => {});
    access.retire();
    assert.ok(come(), "while connections are closed");
    await access.transport.close();

    const abrupt = await hold(async () => {
      assert.ok(abrupt.come(), "while the node is closed");
    });
    await abrupt.access.transport.close();
  });
});

/** A node on a seat of our own making, and a client to come to it: true if that is let go at once. */
async function hold(release: () => Promise<void>) {
  let handle = (_socket: Socket): void => assert.fail("nobody takes clients");
  const seat: HomeSeat = {
    role: "holder",
    onClient: (handler) => {
      handle = handler;
    },
    release,
  };
  const access = await holdHome(seat, {
    home: temporaryHome(),
    core: await createCore({ poolBytes: 1 << 20 }),
    bind: "127.0.0.1:0",
    broadcast: false,
    peers: [],
  });
  const come = (): boolean => {
    let isLetGo = false;
    const socket = {
      destroy: () => {
        isLetGo = true;
      },
    };
    handle(socket as unknown as Socket);
    return isLetGo;
  };
  return { access, come };
}
