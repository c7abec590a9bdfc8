// A bad piece of network, run on a machine between two networks: what one node sends on UDP 4110, by unicast to this machine or by
// broadcast, goes out in the same way on the other side, later, or is lost. Each side has one node.
//
//   node relay.mjs LINK LINK LOSS_RATE DELAY_MS SEED
import { createSocket } from "node:dgram";
import { once } from "node:events";

const [first, second, lossRate, delayMs, seed] = process.argv.slice(2).map(Number);
const links = [first, second];
let state = seed >>> 0;

const sides = [];
for (const link of links) {
  // Bound to these addresses, the one socket hears what is addressed to this machine, the other broadcasts.
  const unicast = await open(`10.9.${link}.2`);
  const broadcast = await open(`10.9.${link}.255`);
  sides.push({ link, unicast, broadcast });
}
for (const [index, { link, unicast, broadcast }] of sides.entries()) {
  const other = sides[1 - index];
  const pass = (to) => (datagram, from) => {
    if (from.address === `10.9.${link}.2` || random() < lossRate) return;
    setTimeout(() => other.unicast.send(datagram, 4110, `10.9.${other.link}.${to}`), delayMs);
  };
  unicast.on("message", pass(1));
  broadcast.on("message", pass(255));
}
console.log("ready");

async function open(address) {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  // A node that has ended leaves refusals behind: a loss like any other.
  socket.on("error", () => undefined);
  socket.bind(4110, address);
  await once(socket, "listening");
  socket.setBroadcast(true);
  return socket;
}

/** mulberry32: 0..1, the same again for the same seed. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
