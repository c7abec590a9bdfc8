import { elect, type HomeFolder, resign } from "../src/election.ts";

/**
 * A home's folder in memory and starters that contend for it. Before each of its steps a starter waits for its turn;
 * turns are given at random, and a starter may be killed instead.
 */
export class SimulatedHome {
  readonly links = new Map<string, string>();
  readonly alive = new Set<string>();
  readonly holders = new Set<string>();
  /** Every starter's story, for when it went wrong. */
  readonly log: string[] = [];
  /** How often a starter became the holder, or was connected to one. */
  elected = 0;
  attached = 0;
  private readonly random: () => number;
  private readonly waiting: { name: string; proceed: () => void }[] = [];

  constructor(seed: number) {
    this.random = dice(seed);
  }

  /** Leave a socket behind that nobody answers at, as its killed holder would. */
  addDead(name: string): void {
    const last = [...this.links.values()].at(-1);
    this.links.set(last === undefined ? "node.sock" : `${last}.next`, name);
  }

  /** A program that opens the home, keeps it for a while and closes it. */
  async start(name: string): Promise<void> {
    const folder = new SimulatedFolder(this, name);
    const connection = await elect(folder);
    this.log.push(`${name}: ${connection ?? "holder"}`);
    if (connection !== undefined) {
      this.attached++;
      this.alive.delete(name);
      return;
    }
    this.elected++;
    this.holders.add(name);
    if (this.holders.size > 1) throw new Error(`two holders: ${[...this.holders]}`);
    for (let i = Math.floor(6 * this.random()); i > 0; i--) await this.turn(name);
    this.holders.delete(name);
    await resign(folder, name);
    this.alive.delete(name);
  }

  turn(name: string): Promise<void> {
    return new Promise((proceed) => this.waiting.push({ name, proceed }));
  }

  /** Give turns until nobody waits. Each turn kills a starter instead with the probability given. */
  async run(killProbability: number): Promise<void> {
    for (;;) {
      // Let the last one come to its next step.
      for (let i = 0; i < 10; i++) await Promise.resolve();
      if (this.waiting.length === 0) return;
      const [chosen] = this.waiting.splice(Math.floor(this.waiting.length * this.random()), 1);
      if (this.random() < killProbability) this.kill(chosen!.name);
      else chosen!.proceed();
    }
  }

  private kill(name: string): void {
    this.log.push(`${name}: killed`);
    this.alive.delete(name);
    this.holders.delete(name);
  }
}

class SimulatedFolder implements HomeFolder<string> {
  private readonly home: SimulatedHome;
  private readonly own: string;

  constructor(home: SimulatedHome, own: string) {
    this.home = home;
    this.own = own;
  }

  readLink(link: string): Promise<string | undefined> {
    return this.step(`reads ${link}`, () => this.home.links.get(link));
  }

  makeLink(link: string, target: string): Promise<boolean> {
    return this.step(`makes ${link}`, () => {
      if (this.home.links.has(link)) return false;
      this.home.links.set(link, target);
      return true;
    });
  }

  replaceLink(link: string, target: string): Promise<void> {
    return this.step(`replaces ${link}`, () => void this.home.links.set(link, target));
  }

  remove(name: string): Promise<void> {
    return this.step(`removes ${name}`, () => void this.home.links.delete(name));
  }

  connect(socket: string): Promise<string | undefined> {
    return this.step(`connects to ${socket}`, () => (this.home.alive.has(socket) ? socket : undefined));
  }

  listen(): Promise<string> {
    return this.step("listens", () => {
      this.home.alive.add(this.own);
      return this.own;
    });
  }

  private async step<T>(what: string, act: () => T): Promise<T> {
    await this.home.turn(this.own);
    const result = act();
    this.home.log.push(`${this.own}: ${what}: ${result}`);
    return result;
  }
}

/** Numbers from 0 to below 1, the same for the same seed: mulberry32. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
