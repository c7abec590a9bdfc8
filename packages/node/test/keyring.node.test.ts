import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { MspError } from "@meshstream/msp";
import { defaultHome } from "../src/home.ts";
import { IDENTITIES_LIMIT, openKeyring } from "../src/keyring.ts";
import { temporaryHome } from "./temporary-home.ts";

describe("the keyring of a home", () => {
  it("has no identities and no file before the first is made", async () => {
    const home = temporaryHome();
    assert.deepEqual(await openKeyring(home).list(), []);
    assert.deepEqual(readdirSync(home), []);
  });

  it("keeps identities from one program to the next, the first one first", async () => {
    const home = temporaryHome();
    const made = [];
    for (let i = 0; i < 3; i++) made.push(await openKeyring(home).create());
    const kept = await openKeyring(home).list();
    assert.deepEqual(
      kept.map(({ sid }) => sid.hex),
      made.map(({ sid }) => sid.hex),
    );
    assert.deepEqual(
      kept.map(({ seed }) => [...seed]),
      made.map(({ seed }) => [...seed]),
    );
    assert.equal(new Set(kept.map(({ sid }) => sid.hex)).size, 3);
  });

  it("is JSON with a version and the seeds, mode 0600, in a folder of mode 0700 made for it", async () => {
    const home = join(temporaryHome(), "deeper", "home");
    const identity = await openKeyring(home).create();
    assert.equal(statSync(home).mode & 0o777, 0o700);
    const { path } = openKeyring(home);
    assert.equal(path, join(home, "keyring"));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const seed = Buffer.from(identity.seed).toString("hex");
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), { version: 1, seeds: [seed] });
    await openKeyring(home).create();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(home), ["keyring"], "nothing else is left behind");
  });

  it("is not made where no node could be: the path is too long, or nothing can be made there", async () => {
    const home = temporaryHome();
    const long = join(home, "x".repeat(90), "home");
    await assert.rejects(openKeyring(long).create(), {
      code: "transport-start",
      message: /at most \d+ bytes/,
    });
    writeFileSync(join(home, "file"), "");
    await assert.rejects(openKeyring(join(home, "file")).create(), { code: "keyring" });
    await assert.rejects(openKeyring(join(home, "file", "deeper")).create(), { code: "keyring" });
    assert.deepEqual(readdirSync(home), ["file"]);
    if (process.platform !== "linux") return;
    await assert.rejects(openKeyring("/proc/.meshstream").create(), {
      code: "keyring",
      message: /cannot use \/proc\/.meshstream as a home: ENOENT/,
    });
  });

  it("gets one first identity, however many make it at once", async () => {
    const home = temporaryHome();
    const all = await Promise.all(Array.from({ length: 20 }, () => openKeyring(home).listOrCreate()));
    const sids = new Set(all.map(([first]) => first?.sid.hex));
    assert.equal(sids.size, 1);
    assert.equal((await openKeyring(home).list()).length, 1);
    assert.deepEqual(readdirSync(home), ["keyring"]);
  });

  it("loses none of the identities that are made at once", async () => {
    const home = temporaryHome();
    const made = await Promise.all(Array.from({ length: 8 }, () => openKeyring(home).create()));
    const kept = new Set((await openKeyring(home).list()).map(({ sid }) => sid.hex));
    assert.equal(kept.size, 8);
    for (const { sid } of made) assert.ok(kept.has(sid.hex));
  });

  it("takes a limited number of identities", async () => {
    const home = temporaryHome();
    const seeds = Array.from({ length: IDENTITIES_LIMIT }, (_, i) => i.toString(16).padStart(64, "0"));
    writeFileSync(join(home, "keyring"), JSON.stringify({ version: 1, seeds }), { mode: 0o600 });
    await refuses(() => openKeyring(home).create(), home, /full/);
    assert.deepEqual(readdirSync(home), ["keyring"]);
  });
});

describe("a keyring that is not usable", () => {
  const seed = "ab".repeat(32);
  for (const [what, text, words] of [
    ["empty", "", /no JSON/],
    ["cut short", `{ "version": 1, "seeds": ["${seed}`, /no JSON/],
    ["something else", "ELF\0\0\0", /no JSON/],
    ["null", "null", /no version/],
    ["without version", `{ "seeds": ["${seed}"] }`, /no version/],
    ["of a later version", `{ "version": 2, "seeds": ["${seed}"] }`, /version is 2/],
    ["without seeds", `{ "version": 1 }`, /seeds/],
    ["with no seed", `{ "version": 1, "seeds": [] }`, /seeds/],
    ["with seeds that are none", `{ "version": 1, "seeds": "${seed}" }`, /seeds/],
    ["with a short seed", `{ "version": 1, "seeds": ["${seed}", "abcd"] }`, /seeds/],
    ["with a number for a seed", `{ "version": 1, "seeds": [7] }`, /seeds/],
    ["too long", `{ "version": 1, "seeds": ["${seed}"] }${" ".repeat(70_000)}`, /too long/],
  ] as const) {
    it(`is left alone, with an error that names it: ${what}`, async () => {
      const home = temporaryHome();
      writeFileSync(join(home, "keyring"), text, { mode: 0o600 });
      await refusesAll(home, words);
      assert.equal(readFileSync(join(home, "keyring"), "utf8"), text);
      assert.deepEqual(readdirSync(home), ["keyring"]);
    });
  }

  it("is refused when others may read it", async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      const home = temporaryHome();
      await openKeyring(home).create();
      chmodSync(join(home, "keyring"), mode);
      await refusesAll(home, /chmod 600/);
    }
  });

  it("is refused when it is a folder, or a link to nowhere", async () => {
    const folder = temporaryHome();
    mkdirSync(join(folder, "keyring"), { mode: 0o700 });
    await refusesAll(folder, /EISDIR|illegal operation/);
    const dangling = temporaryHome();
    symlinkSync("nowhere", join(dangling, "keyring"));
    const keyring = openKeyring(dangling);
    for (const act of [() => keyring.create(), () => keyring.listOrCreate()]) {
      await refuses(act, dangling, /link to a file that is not there/);
    }
    assert.deepEqual(readdirSync(dangling), ["keyring"]);
  });

  it("is refused in a folder that others may write to, or that is a file", async () => {
    const open = temporaryHome();
    chmodSync(open, 0o770);
    await refuses(() => openKeyring(open).create(), open, /chmod 700/);
    const file = join(temporaryHome(), "home");
    writeFileSync(file, "");
    await refuses(() => openKeyring(file).create(), file, /EEXIST|ENOTDIR/);
  });

  it("is not changed while another program changes it; the error says what to do if none does", async () => {
    const home = temporaryHome();
    await openKeyring(home).create();
    writeFileSync(join(home, "keyring.new"), "");
    await refuses(() => openKeyring(home).create(), home, /keyring\.new exists.*remove/);
    assert.equal((await openKeyring(home).list()).length, 1);
    assert.ok(existsSync(join(home, "keyring.new")));
  });
});

describe("the default home", () => {
  it("is MSP_HOME, else .meshstream in the home of the person", () => {
    const before = process.env.MSP_HOME;
    try {
      process.env.MSP_HOME = "/somewhere";
      assert.equal(defaultHome(), "/somewhere");
      for (const none of ["", undefined]) {
        if (none === undefined) delete process.env.MSP_HOME;
        else process.env.MSP_HOME = none;
        assert.equal(defaultHome(), join(homedir(), ".meshstream"));
      }
    } finally {
      if (before === undefined) delete process.env.MSP_HOME;
      else process.env.MSP_HOME = before;
    }
  });
});

/** Every way to use the keyring rejects, with MspError "keyring" that names the home and says this. */
async function refusesAll(home: string, words: RegExp): Promise<void> {
  const keyring = openKeyring(home);
  for (const act of [() => keyring.list(), () => keyring.create(), () => keyring.listOrCreate()]) {
    await refuses(act, home, words);
  }
}

async function refuses(act: () => Promise<unknown>, home: string, words: RegExp): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(error instanceof MspError, String(error));
    assert.equal(error.code, "keyring");
    assert.ok(error.message.includes(home), error.message);
    assert.match(error.message, words);
    return true;
  });
}
