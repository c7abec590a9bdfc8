import {
  BIND_ALL,
  type Clock,
  MAX_PORT,
  MspError,
  type SealedBinding,
  type SealedTransport,
  type Sid,
  TokenBucket,
} from "@meshstream/msp";
import { Limit } from "../limits.ts";
import { ServicePort } from "../ports.ts";

/** A service that is told to who asks. */
export interface PublishedService {
  readonly name: string;
  /** 1..4294967295. */
  readonly port: number;
  /** Settles when it is told: at once for a node in this process; rejects with MspError "port-in-use" where a daemon refuses port 11. */
  readonly ready: Promise<void>;
  /** No longer tell of it. May be called twice. */
  close(): void;
}

/** What a directory counts: questions answered, and why others were not. */
export type DirectoryCounter = "services-answered" | "service-limit";

/**
 * The services of a node that have a name (docs/wire.md W9.4). Port 11 is bound, for all identities, only while there is
 * one. Each answer is a packet of its own, as deployed nodes have it, and is sealed whatever the question was. Worst-case
 * memory: {@link Limit}.SERVICES entries of 300 bytes.
 */
export class ServiceDirectory {
  readonly #transport: SealedTransport;
  readonly #clock: Clock;
  readonly #counters: Record<DirectoryCounter, number>;
  /** Answers to questions. One of a few bytes may bring as many answers as there are services. */
  readonly #answers = new TokenBucket(100, Limit.SERVICES);
  readonly #services = new Set<PublishedService>();
  #binding: SealedBinding | undefined;

  /** `transport` seals: a node in this process, or a deployed daemon's. */
  constructor(transport: SealedTransport, clock: Clock, counters: Record<DirectoryCounter, number>) {
    this.#transport = transport;
    this.#clock = clock;
    this.#counters = counters;
  }

  /**
   * Answer questions for services with `NAME.msp.port=PORT` from now on. A name has 1 to 64 visible ASCII characters
   * without "="; it need not be unique. Whether anybody listens on the port is the caller's affair.
   *
   * Throws MspError "argument" for a name or a port that is none, "again" beyond {@link Limit}.SERVICES, and
   * "port-in-use" if a program took port 11 for itself.
   *
   * @example const published = directory.publish("chat", 512);
   */
  publish(name: string, port: number): PublishedService {
    parseService(name, port);
    if (this.#services.size >= Limit.SERVICES) {
      throw new MspError("again", `${Limit.SERVICES} services are published already: withdraw one first`);
    }
    const address = { sid: BIND_ALL, port: ServicePort.SERVICE_DISCOVERY } as const;
    this.#binding ??= this.#transport.bind(address, (local, remote, remotePort) =>
      this.answer(local, remote, remotePort),
    );
    const { ready } = this.#binding;
    const service = { name, port, ready, close: () => this.#withdraw(service) };
    this.#services.add(service);
    return service;
  }

  /** Tell `remote` of every service. Any packet is a question, but for those of another directory. */
  answer(local: Sid, remote: Sid, remotePort: number): void {
    if (remotePort === ServicePort.SERVICE_DISCOVERY || remotePort === 0) return;
    for (const { name, port } of this.#services) {
      if (!this.#answers.take(this.#clock.now())) {
        this.#counters["service-limit"]++;
        continue;
      }
      this.#counters["services-answered"]++;
      const answer = encodeService(name, port);
      this.#binding?.send(local, { sid: remote, port: remotePort }, (core, offset) => {
        core.bytes.set(answer, offset);
        return answer.length;
      });
    }
  }

  #withdraw(service: PublishedService): void {
    this.#services.delete(service);
    if (this.#services.size > 0) return;
    this.#binding?.close();
    this.#binding = undefined;
  }
}

/** Throws MspError "argument" for what {@link ServiceDirectory.publish} does not take. */
export function parseService(name: string, port: number): void {
  if (!/^[!-<>-~]{1,64}$/.test(name)) {
    throw new MspError(
      "argument",
      `not a service name: "${name}" (1 to 64 visible ASCII characters without "=")`,
    );
  }
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) {
    throw new MspError("argument", `not an MDP port: ${port} (a whole number, 1 to ${MAX_PORT})`);
  }
}

/** The bytes that tell of a service. */
export function encodeService(name: string, port: number): Uint8Array {
  return encoder.encode(`${name}${SEPARATOR}${port}`);
}

/** The service that bytes tell of; undefined for those that tell of none. Never throws. */
export function decodeService(bytes: Uint8Array): { name: string; port: number } | undefined {
  const text = decoder.decode(bytes);
  const at = text.lastIndexOf(SEPARATOR);
  const digits = text.slice(at + SEPARATOR.length);
  if (at < 1 || at > LONGEST_NAME || !/^\d{1,10}$/.test(digits)) return undefined;
  const port = Number(digits);
  if (port < 1 || port > MAX_PORT) return undefined;
  return { name: text.slice(0, at), port };
}

const SEPARATOR = ".msp.port=";
/** Of the names that others choose; deployed nodes set no limit. */
const LONGEST_NAME = 256;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
