import assert from "node:assert/strict";
import { open, readdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { lonely, Stage } from "./processes.ts";

const SID = "57D5E04EEC3C3579BADD8FBC15CB0CBFA28DD78F37EB6717ABB8385E76A37045";

test("a wrong command line exits 2 with one line that says what would be right, and makes no home", () =>
  Stage.run(async (stage) => {
    await writeFile(stage.at("file"), "x");
    const cases: readonly [string[], RegExp][] = [
      [["connect", "abc", "512"], /not a SID: "abc" \(a SID is 64 hex digits/],
      [["connect", SID, "0"], /not an MDP port: "0" \(a whole number, 1 to 4294967295\)/],
      [["connect", SID, "4294967296"], /not an MDP port/],
      [["connect", SID, "1e3"], /not an MDP port/],
      [["connect", SID], /missing required argument 'PORT'/],
      [["connect", SID, "512", "extra"], /too many arguments/],
      [["connect", "--service", "web", SID, "512"], /PORT and --service NAME are two ways/],
      [
        ["connect", "--forward", "web", SID, "512"],
        /not a TCP address: "web": it is neither PORT nor HOST:PORT/,
      ],
      [["connect", "--max-connections", "2", SID, "512"], /--max-connections is for --forward/],
      [["listen", "x"], /not an MDP port/],
      [["listen", "--forward", "0", "512"], /not a TCP address: "0": ports go from 1 to 65535/],
      [
        ["listen", "--forward", "1.2.3:80", "512"],
        /"1\.2\.3" is neither an IP address nor the name of a host/,
      ],
      [
        ["listen", "--forward", "80", "--max-connections", "0", "512"],
        /--max-connections needs a whole number/,
      ],
      [["listen", "--forward", "80", "--max-connections", "1025", "512"], /goes up to 1024, not 1025/],
      [["listen", "--service", "a=b", "512"], /not a service name: "a=b"/],
      [["listen", "--allow", "x", "512"], /not a SID/],
      [["listen", "--allow"], /argument missing/],
      [["send", SID], /name at least one file/],
      [["send", "file", `${SID}:x`], /not an MDP port: "x"/],
      [["send", "file", "file"], /not a SID: "file"/],
      [["receive", "--from", "everyone"], /not a SID: "everyone"/],
      [["receive", "--max-bytes", "1k"], /--max-bytes needs a whole number of at least 0, not "1k"/],
      [["receive", "--port", "-1"], /not an MDP port/],
      [["ping", "--count", "0", SID], /--count needs a whole number of at least 1/],
      [["peers", "--engine", "fast"], /--engine is wasm, ts or auto, not "fast"/],
      [["peers", "--transport", "wifi"], /not a transport: "wifi" \(overlay; or servald/],
      [["peers", "--bind", "localhost"], /not a socket address: "localhost"/],
      [["peers", "--bind", "127.0.0.1:65536"], /not a socket address/],
      [["peers", "--bind", "127.0.0.256:1"], /not a socket address/],
      [["peers", "--peer", "127.0.0.1:0"], /not a socket address/],
      [["peers", "--home", ""], /--home needs/],
      [["peers", "--fast"], /unknown option '--fast'/],
      [["lisen", "512"], /unknown command 'lisen'/],
      [["id", "shew"], /unknown command 'shew'/],
    ];
    for (const [words, expected] of cases) {
      const { code, out, err } = await stage.run(words);
      assert.deepEqual({ code, out }, { code: 2, out: "" }, `${words}: ${err}`);
      assert.match(err, expected);
      assert.match(err, /^msp: [^\n]+\n$/, "one line");
    }
    assert.deepEqual(await readdir(stage.path), ["file"]);
  }));

test("msp id new makes an identity, show prints the first alone on a line, list prints all", () =>
  Stage.run(async (stage) => {
    const home = ["--home", stage.home()];
    const none = await stage.run(["id", "show", ...home]);
    assert.deepEqual([none.code, none.out], [2, ""]);
    assert.match(none.err, /has no identity yet: make one with "msp id new"/);
    const first = await stage.run(["id", "new", ...home]);
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /^[0-9A-F]{64}\n$/);
    const second = await stage.run(["id", "new", ...home]);
    assert.notEqual(second.out, first.out);
    assert.equal(first.err, "");
    assert.equal(second.err, `commands go on using the first identity, ${first.out}`);
    assert.deepEqual(await stage.run(["id", "show", ...home]), { code: 0, out: first.out, err: "" });
    assert.deepEqual((await stage.run(["id", "list", ...home])).out, first.out + second.out);
    const json = await stage.run(["id", "show", "--json", ...home]);
    assert.deepEqual(JSON.parse(json.out), { event: "identity", sid: first.out.trim(), isPrimary: true });
  }));

test("the options for all commands stand before or after the command", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    const { out } = await stage.run(["--home", home, "id", "new"]);
    assert.equal((await stage.run(["id", "--home", home, "show"])).out, out);
    assert.equal((await stage.run(["id", "show", "--home", home])).out, out);
  }));

test("every command has a help text with examples, and msp --help has the exit codes", () =>
  Stage.run(async (stage) => {
    const main = await stage.run(["--help"]);
    assert.equal(main.code, 0);
    assert.match(main.out, /Exit codes:/);
    assert.match(main.out, /Examples:/);
    for (const name of [
      "id",
      "listen",
      "connect",
      "send",
      "receive",
      "ping",
      "trace",
      "peers",
      "routes",
      "services",
    ]) {
      assert.match(main.out, new RegExp(`^  ${name} `, "m"));
      const help = await stage.run([name, "--help"]);
      assert.equal(help.code, 0, name);
      assert.match(help.out, new RegExp(`Examples:\n  \\$ msp ${name}\\b`), name);
      assert.match(help.out, /--home <DIR>/, name);
    }
    const bare = await stage.run([]);
    assert.equal(bare.code, 2);
    assert.match(bare.err, /^Usage: msp/);
    assert.match((await stage.run(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
    await using full = await open("/dev/full", "w");
    assert.equal((await stage.run(["--help"], ["ignore", full.fd, "pipe"])).code, 5);
  }));

test("a corrupt keyring exits 5, is not touched, and is no usage error", () =>
  Stage.run(async (stage) => {
    const home = stage.home();
    await stage.identity(home);
    await writeFile(`${home}/keyring`, "nonsense");
    for (const words of [
      ["id", "show", "--home", home],
      ["peers", "--wait", "0", ...lonely(home)],
    ]) {
      const { code, err } = await stage.run(words);
      assert.equal(code, 5, err);
      assert.match(err, /keyring/);
    }
  }));
