import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createIdentity, type Identity } from "@meshstream/mdp-transport";
import { MspError } from "@meshstream/msp";
import { systemEntropy } from "./entropy.ts";
import { hasCode, prepareHome, reasonOf } from "./home.ts";

/** The identities of a home, in the file HOME/keyring. */
export interface Keyring {
  /** Where the file is. */
  readonly path: string;
  /** All identities, the primary first; none if there is no file yet. Rejects with MspError "keyring". */
  list(): Promise<Identity[]>;
  /**
   * Make a new identity and keep it; the first one is the primary. Rejects with MspError "keyring", nothing changed, or with
   * "transport-start" if the path of the home is too long for a node: an identity there could not be used.
   */
  create(): Promise<Identity>;
  /** The identities, after making a first one if there is none: safe if several programs do so at once. Rejects as `create` does. */
  listOrCreate(): Promise<Identity[]>;
}

/**
 * The keyring of a home. The file is JSON, `{ "version": 1, "seeds": ["64 hex digits", ...] }`, mode 0600, in a
 * folder of mode 0700. It is replaced as a whole or not at all, and one that is damaged, unreadable or open to others is
 * never overwritten: every call then rejects with an MspError "keyring" that names it. At most {@link IDENTITIES_LIMIT} identities.
 *
 * @example const [primary] = await openKeyring(defaultHome()).listOrCreate();
 */
export function openKeyring(home: string): Keyring {
  return new KeyringFile(home);
}

/** More would make every start slow, and no node is known to need them. */
export const IDENTITIES_LIMIT = 64;

class KeyringFile implements Keyring {
  readonly path: string;
  private readonly home: string;

  constructor(home: string) {
    this.home = resolve(home);
    this.path = join(this.home, "keyring");
  }

  async list(): Promise<Identity[]> {
    const seeds = await this.guard("read", () => readSeeds(this.path));
    return Promise.all((seeds ?? []).map((seed) => createIdentity(seed)));
  }

  async listOrCreate(): Promise<Identity[]> {
    const identities = await this.list();
    if (identities.length > 0) return identities;
    await this.addFirst(await createIdentity(systemEntropy));
    const made = await this.list();
    if (made.length === 0) throw this.dangling();
    return made;
  }

  async create(): Promise<Identity> {
    const identity = await createIdentity(systemEntropy);
    const isFirst = (await this.list()).length === 0 && (await this.addFirst(identity));
    if (!isFirst) await this.guard("write", () => this.add(identity));
    return identity;
  }

  /** Make the file, with one identity. False, changing nothing, if there is one by now. */
  private async addFirst(identity: Identity): Promise<boolean> {
    await prepareHome(this.home);
    return this.guard("write", async () => {
      const whole = `${this.path}.${randomBytes(4).toString("hex")}`;
      const file = await open(whole, "wx", 0o600);
      try {
        await fill(file, [identity.seed]);
        // A link fails if the name is taken: of several programs at once, one makes the keyring.
        await link(whole, this.path);
        return true;
      } catch (error) {
        if (hasCode(error, "EEXIST")) return false;
        throw error;
      } finally {
        await rm(whole);
        await syncFolder(this.home);
      }
    });
  }

  /** Replace the file by one with an identity more. */
  private async add(identity: Identity): Promise<void> {
    // The new file is the lock as well: whoever made it may rename it to the keyring.
    const next = `${this.path}.new`;
    const file = await openExclusive(next);
    try {
      const seeds = await readSeeds(this.path);
      if (seeds === undefined) throw this.dangling();
      if (seeds.length >= IDENTITIES_LIMIT) {
        throw new MspError("keyring", `${this.path} is full: it has ${seeds.length} identities`);
      }
      await fill(file, [...seeds, identity.seed]);
      await rename(next, this.path);
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await syncFolder(this.home);
  }

  private dangling(): MspError {
    return new MspError("keyring", `${this.path} is a link to a file that is not there: it is left as it is`);
  }

  private async guard<T>(verb: "read" | "write", act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      if (cause instanceof MspError) throw cause;
      throw new MspError("keyring", `cannot ${verb} ${this.path}: ${reasonOf(cause)}`, { cause });
    }
  }
}

/** The seeds in a keyring file; undefined if there is no file. */
async function readSeeds(path: string): Promise<Uint8Array[] | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new MspError("keyring", `others may read ${path}: it holds secrets (chmod 600 ${path})`);
    }
    if (size > LARGEST_BYTES) throw damaged(path, "it is too long");
    return parseSeeds(await file.readFile("utf8"), path);
  } finally {
    await file.close();
  }
}

function parseSeeds(text: string, path: string): Uint8Array[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged(path, "it is no JSON");
  }
  if (typeof json !== "object" || json === null || !("version" in json))
    throw damaged(path, "it has no version");
  if (json.version !== VERSION)
    throw damaged(path, `its version is ${String(json.version)}, this release knows ${VERSION}`);
  const seeds: unknown[] = "seeds" in json && Array.isArray(json.seeds) ? json.seeds : [];
  const isSeed = (seed: unknown) => typeof seed === "string" && /^[0-9a-f]{64}$/i.test(seed);
  if (!seeds.every(isSeed) || seeds.length === 0 || seeds.length > IDENTITIES_LIMIT) {
    throw damaged(path, `it must have 1 to ${IDENTITIES_LIMIT} seeds of 64 hex digits`);
  }
  return seeds.map((seed) => Uint8Array.from(Buffer.from(String(seed), "hex")));
}

function damaged(path: string, why: string): MspError {
  return new MspError(
    "keyring",
    `${path} is not usable: ${why}; it is left as it is: put back a copy, or move it away to begin with a new identity`,
  );
}

/** Write a keyring into an empty file, down to the disk, and close it. */
async function fill(file: FileHandle, seeds: readonly Uint8Array[]): Promise<void> {
  try {
    const hex = seeds.map((seed) => Buffer.from(seed).toString("hex"));
    await file.writeFile(`${JSON.stringify({ version: VERSION, seeds: hex }, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Make a file that must not exist; waits a little for another program to be done with it. */
async function openExclusive(path: string): Promise<FileHandle> {
  for (let tries = 0; ; tries++) {
    try {
      return await open(path, "wx", 0o600);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      if (tries === LOCK_TRIES) {
        throw new MspError(
          "keyring",
          `${path} exists: another program is changing the keyring; if none is, remove that file`,
        );
      }
      await delay(LOCK_WAIT_MS);
    }
  }
}

/** Make a new name in a folder last, too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const VERSION = 1;

/** Far more than a full keyring. */
const LARGEST_BYTES = 64 * 1024;

const LOCK_WAIT_MS = 50;
const LOCK_TRIES = 40;
