import assert from "node:assert/strict";
import { open, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { content, lonely, near, Stage } from "./processes.ts";

test("1 MB in each direction at once arrives byte for byte, and both commands exit 0", () =>
  Stage.run(async (stage) => {
    const [toListener, toConnector] = [content(1_000_000, 1), content(1_000_000, 2)];
    await writeFile(stage.at("to-listener"), toListener);
    await writeFile(stage.at("to-connector"), toConnector);
    await using listenerIn = await open(stage.at("to-connector"), "r");
    await using listenerOut = await open(stage.at("at-listener"), "w");
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"], {
      stdio: [listenerIn.fd, listenerOut.fd, "pipe"],
    });
    await using connectorIn = await open(stage.at("to-listener"), "r");
    await using connectorOut = await open(stage.at("at-connector"), "w");
    const connector = await stage.run(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      [connectorIn.fd, connectorOut.fd, "pipe"],
    );
    assert.deepEqual([connector.code, (await command.ended).code], [0, 0], connector.err);
    assert.ok(toListener.equals(await readFile(stage.at("at-listener"))));
    assert.ok(toConnector.equals(await readFile(stage.at("at-connector"))));
  }));

test("the end of the input is carried as such: the answer to all of it still comes back", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "512"], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const connector = stage.start(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      ["pipe", "pipe", "pipe"],
    );
    connector.child.stdin!.end("question");
    await command.output("question");
    command.child.stdin!.write("one ");
    await connector.output("one ");
    command.child.stdin!.end("two");
    assert.deepEqual(await connector.ended, { code: 0, out: "one two", err: identityNote(connector.err) });
    assert.equal((await command.ended).code, 0);
  }));

test("without --once one connection after the other is served, and a second at the same time is stopped", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "512"]);
    // One home, so that all of them are one neighbour.
    const holderHome = stage.home();
    const first = stage.start(["connect", ...near(holderHome, bound), sid, "512"], ["pipe", "pipe", "pipe"]);
    first.child.stdin!.write("first ");
    await command.output("first ");
    const second = await stage.run(["connect", "--home", holderHome, sid, "512"]);
    assert.equal(second.code, 1, second.err);
    assert.match(second.err, /stopped the connection/);
    assert.equal((await command.event("refused")).reason, "busy");
    first.child.stdin!.end();
    assert.equal((await first.ended).code, 0);
    const third = stage.start(
      ["connect", ...near(stage.home(), bound), sid, "512"],
      ["pipe", "pipe", "pipe"],
    );
    third.child.stdin!.end("third");
    assert.equal((await third.ended).code, 0);
    assert.equal(command.out, "first third");
  }));

test("listen --allow takes its peer only; a refused one does not end --once", () =>
  Stage.run(async (stage) => {
    const [friendHome, strangerHome] = [stage.home(), stage.home()];
    const friend = await stage.identity(friendHome);
    const { command, sid, bound } = await stage.startListening([
      "listen",
      "--once",
      "--allow",
      friend,
      "512",
    ]);
    const stranger = await stage.run(["connect", ...near(strangerHome, bound), sid, "512"]);
    assert.equal(stranger.code, 1, stranger.err);
    const ours = stage.start(["connect", ...near(friendHome, bound), sid, "512"], ["pipe", "pipe", "pipe"]);
    ours.child.stdin!.end("friend");
    assert.equal((await ours.ended).code, 0);
    const ended = await command.ended;
    assert.deepEqual([ended.code, ended.out], [0, "friend"]);
  }));

test("a listener's events say who, where and how it ended", () =>
  Stage.run(async (stage) => {
    const { command, sid, bound } = await stage.startListening(["listen", "--once", "-v", "512"]);
    assert.match(sid, /^[0-9A-F]{64}$/);
    assert.match(bound, /^127\.0\.0\.1:\d+$/);
    const connectorHome = stage.home();
    const connectorSid = await stage.identity(connectorHome);
    assert.equal((await stage.run(["connect", ...near(connectorHome, bound), sid, "512"])).code, 0);
    await command.ended;
    const names = command.events.map(({ event }) => event);
    for (const name of ["identity-created", "open", "listening", "accepted", "closed", "ended"]) {
      assert.ok(names.includes(name), `${name} in ${names}`);
    }
    assert.equal((await command.event("accepted")).sid, connectorSid);
  }));

test("ping counts the answers, and peers lists the neighbour with its SID", () =>
  Stage.run(async (stage) => {
    const { sid, bound } = await stage.startListening(["listen", "512"]);
    const home = stage.home();
    const ping = await stage.run(["ping", ...near(home, bound), "--count", "2", sid]);
    assert.equal(ping.code, 0, ping.err);
    assert.match(ping.out, new RegExp(`^${sid}: sequence 1, [\\d.]+ ms\n${sid}: sequence 2, [\\d.]+ ms\n$`));
    assert.match(ping.err, /2 of 2 answered/);
    const peers = await stage.run(["peers", ...near(home, bound), "--json"]);
    assert.equal(peers.code, 0, peers.err);
    const neighbour = JSON.parse(peers.out.trim());
    assert.deepEqual([neighbour.event, neighbour.sid, neighbour.address], ["neighbour", sid, bound]);
    const nobody = await stage.run(["peers", ...lonely(stage.home()), "--wait", "0"]);
    assert.deepEqual([nobody.code, nobody.out], [0, ""]);
  }));

/** The one line that a command says about a new identity, if that is all it says. */
function identityNote(err: string): string {
  assert.match(err, /^made an identity in \S+: [0-9A-F]{64}\n$/);
  return err;
}
