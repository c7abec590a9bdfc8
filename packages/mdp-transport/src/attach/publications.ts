import { MspError } from "@meshstream/msp";
import { decodeService, type PublishedService } from "../overlay/services/service-directory.ts";

/** The services that one attached client has published on the node. The node limits how many. */
export class Publications {
  readonly #publish: (name: string, port: number) => PublishedService;
  readonly #services = new Set<PublishedService>();

  constructor(publish: (name: string, port: number) => PublishedService) {
    this.#publish = publish;
  }

  /** Publish the service that `payload` tells of. Throws MspError: the question is refused. */
  add(payload: Uint8Array): void {
    const { name, port } = parsePayload(payload);
    this.#services.add(this.#publish(name, port));
  }

  /** Withdraw one such service. Throws MspError "argument" if the client has none. */
  remove(payload: Uint8Array): void {
    const { name, port } = parsePayload(payload);
    for (const service of this.#services) {
      if (service.name !== name || service.port !== port) continue;
      this.#services.delete(service);
      service.close();
      return;
    }
    throw new MspError("argument", `"${name}" at port ${port} is not published by this program`);
  }

  closeAll(): void {
    for (const service of this.#services) service.close();
    this.#services.clear();
  }
}

function parsePayload(payload: Uint8Array): { name: string; port: number } {
  const service = decodeService(payload);
  if (service === undefined) throw new MspError("argument", "that payload names no service");
  return service;
}
