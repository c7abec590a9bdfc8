// A bad piece of network on loopback: two UDP sockets, and what comes in at one goes out at the other, or is lost.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createRandom } from "@meshstream/netem";

/**
 * Open a relay that loses `lossRate` (0..1) of the datagrams, each way, by the dice of `seed`. Each of its two sides sends to
 * whoever spoke to it last, so that a node needs to know only the address of its side.
 *
 * @param {{ seed: number, lossRate: number }} options
 * @returns {Promise<{ addresses: [string, string], stats: { passed: number, lost: number }, close(): void }>}
 */
export async function openRelay({ seed, lossRate }) {
  const random = createRandom(seed);
  const stats = { passed: 0, lost: 0 };
  const sides = [createSocket("udp4"), createSocket("udp4")];
  for (const [index, side] of sides.entries()) {
    const other = sides[1 - index];
    side.on("message", (datagram, from) => {
      side.peer = from;
      if (other.peer === undefined) return;
      if (random.next() < lossRate) {
        stats.lost++;
        return;
      }
      stats.passed++;
      other.send(datagram, other.peer.port, other.peer.address);
    });
    // A node that has ended may leave a refusal behind: to a relay that is a loss like any other.
    side.on("error", () => undefined);
    side.bind(0, "127.0.0.1");
    await once(side, "listening");
  }
  return {
    addresses: sides.map((side) => `127.0.0.1:${side.address().port}`),
    stats,
    close: () => {
      for (const side of sides) side.close();
    },
  };
}
