import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { emptyReport } from "../src/congestion/controller.ts";
import { LossEstimate } from "../src/congestion/radio/loss-estimate.ts";
import { RadioController } from "../src/congestion/radio/radio.ts";
import { Flow, FULL_PACKET_BYTES, path, random } from "./support/flows.ts";
import { ENGINES, Pair } from "./support/pair.ts";

const OFF = { coding: "off" } as const;

/** Jain's index: 1 if all get the same, 1/n if one gets all. */
function fairness(counts: readonly number[]): number {
  const sum = counts.reduce((a, b) => a + b);
  return sum ** 2 / (counts.length * counts.reduce((a, b) => a + b * b, 0));
}

/** A controller on a path of its own that is played by hand: one report for each packet, in order. */
class PlayedPath {
  readonly controller = new RadioController({ firstFlightPackets: 16, limitPackets: 4096 });
  private readonly report = emptyReport();
  private delivered = 0;
  private nowMs = 0;

  constructor() {
    this.controller.handleConnected(true);
  }

  /** So many rounds at this rate; of each hundred packets `lostOfHundred` are lost. */
  play({
    rounds,
    perMs,
    rttMs,
    isAppLimited = false,
    lostOfHundred = 0,
  }: {
    rounds: number;
    perMs: number;
    rttMs: number;
    isAppLimited?: boolean;
    lostOfHundred?: number;
  }): void {
    const packets = Math.round(rounds * perMs * rttMs);
    const inFlight = Math.round(perMs * rttMs);
    for (let i = 0; i < packets; i += 1) {
      this.nowMs += 1 / perMs;
      const isLost = i % 100 < lostOfHundred;
      if (!isLost) this.delivered += 1;
      Object.assign(this.report, {
        nowMs: this.nowMs,
        arrived: isLost ? 0 : 1,
        lost: isLost ? 1 : 0,
        inFlight,
        delivered: this.delivered,
        priorDelivered: isLost ? -1 : Math.max(this.delivered - inFlight, 0),
        deliveryPerMs: isLost ? 0 : perMs,
        isAppLimited,
        rttMs: isLost ? -1 : rttMs,
      });
      this.controller.handleReport(this.report);
    }
  }
}

describe("the model of a path", () => {
  it("is not lowered by an application that sends little for long", () => {
    const played = new PlayedPath();
    played.play({ rounds: 30, perMs: 5, rttMs: 20 });
    played.play({ rounds: 200, perMs: 0.2, rttMs: 20, isAppLimited: true });
    assert.ok(played.controller.pacingPerMs >= 3.7, `${played.controller.pacingPerMs}`);
  });

  it("is lowered within some rounds by a path that got slower", () => {
    const played = new PlayedPath();
    played.play({ rounds: 30, perMs: 5, rttMs: 20 });
    played.play({ rounds: 14, perMs: 1, rttMs: 20 });
    assert.ok(played.controller.pacingPerMs <= 1.3, `${played.controller.pacingPerMs}`);
  });

  it("leaves four packets in flight in silence, and all that it knows when the peer is heard again", () => {
    const played = new PlayedPath();
    played.play({ rounds: 30, perMs: 5, rttMs: 20 });
    const before = played.controller.windowPackets;
    played.controller.handleSilence();
    assert.equal(played.controller.windowPackets, 4);
    played.play({ rounds: 0.1, perMs: 5, rttMs: 20 });
    assert.ok(played.controller.windowPackets > before / 2);
  });

  it("counts the losses of a path without a queue, and makes up for them", () => {
    const played = new PlayedPath();
    played.play({ rounds: 60, perMs: 5, rttMs: 20, lostOfHundred: 10 });
    assert.ok(Math.abs(played.controller.lossRatio - 0.1) < 0.02, `${played.controller.lossRatio}`);
  });
});

describe("the estimate of a path's own losses", () => {
  it("drops what is not lost as soon as nothing is made up for: then a full queue had made it", () => {
    const losses = new LossEstimate();
    for (let i = 0; i < 20; i += 1) losses.add(20, 80, false);
    assert.ok(losses.ratio > 0.17);
    for (let i = 0; i < 3; i += 1) losses.add(0, 100, true);
    assert.ok(losses.ratio < 0.05, `${losses.ratio}`);
  });

  it("never goes beyond 0.4, and makes up for less while a queue stands", () => {
    const losses = new LossEstimate();
    for (let i = 0; i < 20; i += 1) losses.add(90, 10, false);
    assert.equal(losses.ratio, 0.4);
    assert.equal(losses.madeUp, 0.4);
    for (let i = 0; i < 5; i += 1) losses.judge(true);
    assert.ok(losses.madeUp < 0.001);
    for (let i = 0; i < 10; i += 1) losses.judge(false);
    assert.ok(losses.madeUp > 0.399);
  });
});

for (const engine of ENGINES) {
  describe(`a flow on a link (${engine})`, () => {
    it("fills a link that loses 5 %, with less than one path's worth in the queue", async () => {
      const pair = await Pair.make({ engine, seed: 2, link: path(4e6, 40, 60, random(0.05)) });
      const flow = new Flow(pair, { config: OFF });
      flow.start();
      pair.clock.runUntil(1000);
      const queued: number[] = [];
      for (let atMs = 1000; atMs < 6000; atMs += 10) {
        pair.clock.runUntil(atMs);
        queued.push(pair.link.aToB.queuedPackets);
      }
      const perfect = (5000 * 4e6 * 0.95) / 8000 / FULL_PACKET_BYTES;
      const share = flow.takenWithin(1000, 6000) / perfect;
      assert.ok(share > 0.93, `${share} of what the link can carry`);
      const median = queued.toSorted((a, b) => a - b)[queued.length >> 1]!;
      const pathPackets = (40 * 4e6) / 8000 / FULL_PACKET_BYTES;
      assert.ok(
        median <= pathPackets,
        `${median} packets stood in the queue, ${pathPackets} fit on the path`,
      );
    });

    it("shares with another of its kind that came later", async () => {
      const pair = await Pair.make({ engine, link: path(2e6, 40, 20) });
      const flows = [512, 513].map((port) => new Flow(pair, { config: OFF, port }));
      flows[0]!.start();
      pair.clock.runUntil(3000);
      flows[1]!.start();
      pair.clock.runUntil(33_000);
      const counts = flows.map((flow) => flow.takenWithin(13_000, 33_000));
      assert.ok(fairness(counts) >= 0.9, `${counts}`);
    });
  });
}

describe("a flow on a link with a queue of one path", () => {
  it("leaves a NewReno flow a quarter", async () => {
    const pair = await Pair.make({ link: path(4e6, 60, 27) });
    const ours = new Flow(pair, { config: OFF });
    const reno = new Flow(pair, { config: { ...OFF, sender: "reno" }, port: 513 });
    ours.start();
    reno.start();
    pair.clock.runUntil(35_000);
    const [own, other] = [ours, reno].map((flow) => flow.takenWithin(5000, 35_000)) as [number, number];
    assert.ok(other / (own + other) >= 0.25, `${own} to ${other}`);
    assert.ok(own / (own + other) >= 0.25, `${own} to ${other}`);
  });
});
