import { randomBytes } from "node:crypto";
import { chmod, readlink, rename, symlink, unlink } from "node:fs/promises";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MspError } from "@meshstream/msp";
import { elect, type HomeFolder, resign } from "./election.ts";
import { checkHomeLength, hasCode, reasonOf } from "./home.ts";

/** The right to be the node of a home, until it is released or the process ends. */
export interface HomeSeat {
  readonly role: "holder";
  /** Set the one handler for the sockets of attached programs. Those that have come before are kept for it. */
  onClient(handle: (socket: Socket) => void): void;
  /** Give the right up: the next starter becomes the holder. The sockets of clients stay open. May be called twice. */
  release(): Promise<void>;
}

/** A connection to the holder of a home. */
export interface HomeConnection {
  readonly role: "attached";
  readonly socket: Socket;
}

/**
 * Become the holder of a home (the absolute path of an existing folder), or be connected to it if there is one. Rejects
 * with MspError "transport-start" if the folder cannot have a socket, or has something else in its place.
 */
export async function enterHome(home: string): Promise<HomeSeat | HomeConnection> {
  checkPlatform(home);
  const seat = new Seat(home);
  try {
    const socket = await elect(seat.folder);
    if (socket === undefined) return seat;
    seat.leave();
    return { role: "attached", socket };
  } catch (cause) {
    seat.leave();
    if (cause instanceof MspError) throw cause;
    throw new MspError("transport-start", `cannot share ${home} between programs: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

class Seat implements HomeSeat {
  readonly role = "holder";
  readonly folder: FolderOnDisk;
  private readonly server: Server;
  private readonly waiting: Socket[] = [];
  private handle: (socket: Socket) => void = (socket) => this.waiting.push(socket);
  private released: Promise<void> | undefined;

  constructor(home: string) {
    // Others may connect as soon as they can see that we may become the holder.
    this.server = createServer((socket) => {
      socket.on("error", () => {});
      this.handle(socket);
    });
    this.server.maxConnections = CLIENTS_LIMIT;
    this.folder = new FolderOnDisk(home, this.server);
  }

  onClient(handle: (socket: Socket) => void): void {
    this.handle = handle;
    for (const socket of this.waiting.splice(0)) handle(socket);
  }

  release(): Promise<void> {
    this.released ??= this.resign();
    return this.released;
  }

  /** Refuse everyone from now on. */
  leave(): void {
    this.onClient((socket) => socket.destroy());
    if (this.server.listening) this.server.close();
  }

  private async resign(): Promise<void> {
    await resign(this.folder, await this.folder.listen());
    this.leave();
  }
}

class FolderOnDisk implements HomeFolder<Socket> {
  private readonly home: string;
  private readonly server: Server;
  private own: string | undefined;

  constructor(home: string, server: Server) {
    this.home = home;
    this.server = server;
  }

  async readLink(link: string): Promise<string | undefined> {
    let target: string | undefined;
    try {
      target = await readlink(join(this.home, link));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      if (!hasCode(error, "EINVAL")) throw error;
    }
    if (target !== undefined && SOCKET_NAME.test(target)) return target;
    const path = join(this.home, link);
    throw new MspError("transport-start", `${path} is none of ours: move it away, or use another home`);
  }

  async makeLink(link: string, target: string): Promise<boolean> {
    try {
      await symlink(target, join(this.home, link));
      return true;
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false;
      throw error;
    }
  }

  async replaceLink(link: string, target: string): Promise<void> {
    const fresh = join(this.home, `${target}.link`);
    await symlink(target, fresh);
    await rename(fresh, join(this.home, link));
  }

  async remove(name: string): Promise<void> {
    try {
      await unlink(join(this.home, name));
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }

  async connect(socket: string): Promise<Socket | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        return await connectTo(join(this.home, socket));
      } catch (error) {
        if (hasCode(error, "ECONNREFUSED") || hasCode(error, "ENOENT")) return undefined;
        // EAGAIN: it lives, and many connect at once. ECONNRESET: it closed just now, and will refuse the next.
        const mayPass = hasCode(error, "EAGAIN") || hasCode(error, "ECONNRESET");
        if (!mayPass || tries === BUSY_TRIES) throw error;
        await delay(BUSY_WAIT_MS);
      }
    }
  }

  async listen(): Promise<string> {
    if (this.own !== undefined) return this.own;
    const own = `node-${randomBytes(4).toString("hex")}.sock`;
    const path = join(this.home, own);
    await new Promise<void>((resolve, reject) => {
      this.server.on("error", reject);
      this.server.listen({ path }, resolve);
    });
    await chmod(path, 0o600);
    this.own = own;
    return own;
  }
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = netConnect(path);
    // Stays for good: an error of a socket is always followed by its end, and that is what counts.
    socket.on("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

function checkPlatform(home: string): void {
  if (process.platform === "win32") {
    throw new MspError("transport-start", "a home cannot be shared between programs on Windows yet");
  }
  checkHomeLength(home);
}

const SOCKET_NAME = /^node-[0-9a-f]{8}\.sock$/;

/** Attached programs of one holder, each at the cost that AttachLimit names. */
const CLIENTS_LIMIT = 64;

const BUSY_WAIT_MS = 20;
const BUSY_TRIES = 250;
