import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { type CommandEvent, lonely, near, Stage } from "./processes.ts";

const STRANGER = "57D5E04EEC3C3579BADD8FBC15CB0CBFA28DD78F37EB6717ABB8385E76A37045";

const eventsIn = (out: string): CommandEvent[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as CommandEvent);

/** Two nodes that listen, the first a neighbour of the second, and options for a third that only knows the first. */
async function line(stage: Stage) {
  const far = await stage.startListening(["listen", "512"]);
  const middleHome = stage.home();
  const words = ["listen", "512", "--service", "chat", "--peer", far.bound];
  const middle = await stage.startListening(words, { home: middleHome });
  return { far: far.sid, middle: middle.sid, middleHome, options: near(stage.home(), middle.bound) };
}

test("trace names the nodes there and back over a node that relays, each with the time of an echo", () =>
  Stage.run(async (stage) => {
    const { far, middle, options } = await line(stage);
    const { code, out, err } = await stage.run(["trace", ...options, far]);
    assert.equal(code, 0, err);
    const hop = /^(out|back) +(\d) +([0-9A-F]{64}) +[\d.]+ ms$/;
    const hops = out
      .trim()
      .split("\n")
      .map((text) => hop.exec(text)?.slice(1) ?? text);
    const own = (hops[0] as string[])[2]!;
    assert.deepEqual(hops, [
      ["out", "0", own],
      ["out", "1", middle],
      ["out", "2", far],
      ["back", "3", middle],
      ["back", "4", own],
    ]);
    assert.match(err, /reached: 2 hops there, 2 back, [\d.]+ ms in all/);
  }));

test("trace and ping say where it ends for a SID that nobody knows, and exit 1; so does an attached one", () =>
  Stage.run(async (stage) => {
    const { middleHome } = await line(stage);
    const traced = await stage.run(["trace", "--home", middleHome, "--json", STRANGER]);
    assert.equal(traced.code, 1, traced.err);
    const { hops, reached } = eventsIn(traced.out).at(-1)!;
    assert.deepEqual([hops, reached], [0, false]);
    const words = await stage.run(["trace", "--home", middleHome, STRANGER]);
    assert.match(words.err, new RegExp(`stopped: this node knows no way to ${STRANGER}`));
    const pinged = await stage.run(["ping", "--home", middleHome, "--count", "1", STRANGER]);
    assert.deepEqual([pinged.code, pinged.out], [1, `${STRANGER}: sequence 1, no answer\n`]);
    assert.match(pinged.err, /0 of 1 answered, 100 % lost/);
    assert.match(pinged.err, /this node knows no way to .*; neighbours that it can use: 1, see "msp peers"/);
  }));

test("ping asks at its interval without waiting for answers, and sums up", () =>
  Stage.run(async (stage) => {
    const { sid, bound } = await stage.startListening(["listen", "512"]);
    const words = ["--count", "20", "--interval", "0.01", "--size", "1029", "--json"];
    const { code, out, err } = await stage.run(["ping", ...near(stage.home(), bound), ...words, sid]);
    assert.equal(code, 0, err);
    const events = eventsIn(out);
    const answers = events.filter(({ event }) => event === "ping");
    assert.deepEqual(
      answers.map(({ sequence }) => sequence).sort((a, b) => a - b),
      [...Array.from({ length: 20 }, (_, index) => index + 1)],
    );
    const { asked, answered, lostPercent, minMs, meanMs, maxMs } = events.at(-1)!;
    assert.deepEqual([asked, answered, lostPercent], [20, 20, 0]);
    assert.ok(minMs > 0 && minMs <= meanMs && meanMs <= maxMs, `${minMs} ${meanMs} ${maxMs}`);
  }));

test("ping until a signal sums up what was answered so far", () =>
  Stage.run(async (stage) => {
    const { sid, bound } = await stage.startListening(["listen", "512"]);
    const words = ["--count", "forever", "--interval", "0.05", "--json"];
    const ping = stage.start(["ping", ...near(stage.home(), bound), ...words, sid]);
    await ping.output('"sequence":3,');
    ping.child.kill("SIGINT");
    const { code, out } = await ping.ended;
    assert.equal(code, 130);
    const summary = eventsIn(out).at(-1)!;
    assert.equal(summary.event, "ping-summary");
    assert.ok(summary.answered >= 3 && summary.asked === summary.answered, JSON.stringify(summary));
  }));

test("peers tells both directions of a neighbour, routes every node in reach, to an attached command too", () =>
  Stage.run(async (stage) => {
    const { far, middle, middleHome, options } = await line(stage);
    const routes = await stage.run(["routes", ...options, "--wait", "2", "--json"]);
    assert.deepEqual(
      eventsIn(routes.out)
        .filter(({ event }) => event === "route")
        .map(({ sid, hops, nextHop }) => [sid, hops, nextHop]),
      [
        [middle, 1, middle],
        [far, 2, middle],
      ],
      routes.err,
    );
    const table = await stage.run(["routes", "--home", middleHome]);
    assert.match(table.out, new RegExp(`^${far} +1 +itself +0 +0 % +[\\d.]+ s ago$`, "m"));
    const peers = await stage.run(["peers", "--home", middleHome]);
    const rows = peers.out.split("\n");
    const at = rows.findIndex((row) => row.startsWith(far));
    assert.match(rows[at]!, /^[0-9A-F]{64} {2}127\.0\.0\.1:\d+ {2}link 0 {2}echo in [\d.]+ ms$/);
    assert.match(rows[at + 1]!, /^ {2}from it {2}heard \d+ ms ago +(\?|\d+ %) +\d+$/);
    assert.match(rows[at + 2]!, /^ {2}to it {4}it heard us \d+ ms ago +\d+ % +\d+ +\d+$/);
    const json = await stage.run(["peers", "--home", middleHome, "--json"]);
    const row = eventsIn(json.out).find(({ sid }) => sid === far)!;
    assert.equal(row.reachable, true);
    for (const name of [
      "rttMs",
      "heardAgoMs",
      "hearsUsAgoMs",
      "packetsSent",
      "packetsReceived",
      "framesSent",
    ])
      assert.equal(typeof row[name], "number", name);
    const nobody = await stage.run(["routes", ...lonely(stage.home()), "--wait", "0"]);
    assert.deepEqual([nobody.code, nobody.out], [0, ""]);
    assert.match(nobody.err, /no node in reach/);
  }));

test("peers says of a neighbour that is only heard that it does not hear us, and is not used", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    const { bound } = await stage.startListening(["listen", "512"], { home });
    const deaf = createSocket("udp4").bind(0, "127.0.0.1");
    await once(deaf, "listening");
    // A tick: version 0, encapsulation 1, the whole SID, by unicast. What comes back is not read.
    const tick = Buffer.from(`000120${STRANGER}01`, "hex");
    const beat = setInterval(() => deaf.send(tick, Number(bound.split(":")[1]), "127.0.0.1"), 50);
    try {
      let out = "";
      for (let tries = 0; tries < 20 && !out.includes(STRANGER); tries++) {
        out = (await stage.run(["peers", "--home", home])).out;
      }
      const [whom, from, to] = out.split("\n");
      assert.match(whom!, new RegExp(`^${STRANGER} {2}127\\.0\\.0\\.1:\\d+ {2}link 0 {2}no echo$`));
      assert.match(from!, /^ {2}from it {2}heard \d+ ms ago +\? +\d+$/);
      assert.match(to!, /^ {2}to it {4}it does not hear us: not used +\? +\d+ +0$/);
      const routes = await stage.run(["routes", "--home", home]);
      assert.equal(routes.out, "");
    } finally {
      clearInterval(beat);
      deaf.close();
    }
  }));

test("services lists what the nodes in reach tell of, and what one of them does", () =>
  Stage.run(async (stage) => {
    const { far, middle, middleHome, options } = await line(stage);
    for (const words of [[], [middle]]) {
      const { code, out, err } = await stage.run(["services", ...options, "--wait", "2", ...words]);
      assert.deepEqual([code, out], [0, `${middle}   512  chat\n`], err);
    }
    const own = await stage.run(["services", "--home", middleHome, "--json"]);
    assert.deepEqual(eventsIn(own.out), [{ event: "service", sid: middle, name: "chat", port: 512 }]);
    const none = await stage.run(["services", "--home", middleHome, far]);
    assert.deepEqual([none.code, none.out], [0, ""]);
    assert.match(none.err, /no service told of: this node knows a way to/);
  }));

test("options of ping, trace, peers and routes that are none exit 2", () =>
  Stage.run(async (stage) => {
    const cases: readonly [string[], RegExp][] = [
      [
        ["ping", "--interval", "0", STRANGER],
        /--interval needs a number of seconds, 0\.01 to 86400, not "0"/,
      ],
      [["ping", "--size", "11", STRANGER], /--size needs a whole number, 12 to 1029, not "11"/],
      [["ping", "--size", "1030", STRANGER], /--size needs a whole number, 12 to 1029, not "1030"/],
      [["trace", "--tries", "0", STRANGER], /--tries needs a whole number of at least 1/],
      [["trace", "x"], /not a SID: "x"/],
      [["routes", "--wait", "1e3"], /--wait needs a number of seconds, 0 to 86400, not "1e3"/],
      [["services", "--wait", "x"], /--wait needs a number of seconds/],
      [["services", "x"], /not a SID: "x"/],
      [["peers", "--wait", "-1"], /--wait needs a number of seconds/],
    ];
    for (const [words, expected] of cases) {
      const { code, err } = await stage.run([...words, ...lonely(stage.home())]);
      assert.equal(code, 2, `${words}: ${err}`);
      assert.match(err, expected);
    }
  }));
