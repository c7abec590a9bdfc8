import { createSocket } from "node:dgram";
import { once } from "node:events";

// One end of the stream in real time, as a process of its own, so that it can run in a network namespace. Arguments:
//   receive ADDRESS PORT [HELLO_PORT]   prints "ready", then "atMs tookMs" for each packet, until its input ends
//   send ADDRESS PORT BYTES INTERVAL_MS PACKETS STEADY      STEADY: 1, or 0 to catch up when late
async function receive(address: string, port: number, helloPort: string | undefined): Promise<void> {
  const socket = createSocket("udp4");
  const lines: string[] = [];
  socket.on("message", (bytes) => {
    const atMs = sharedNowMs();
    lines.push(`${atMs} ${atMs - bytes.readDoubleLE(0)}`);
  });
  socket.bind(port, address);
  await once(socket, "listening");
  socket.setRecvBufferSize(4 << 20);
  // A relay sends to whoever spoke to it.
  if (helloPort !== undefined) socket.send(Buffer.alloc(8), Number(helloPort), "127.0.0.1");
  console.log("ready");
  process.stdin.resume();
  await once(process.stdin, "end");
  socket.close();
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function send(
  address: string,
  port: number,
  bytes: number,
  intervalMs: number,
  packets: number,
  steady: number,
): Promise<void> {
  const socket = createSocket("udp4");
  socket.connect(port, address);
  await once(socket, "connect");
  const isSteady = steady === 1;
  let startMs = sharedNowMs();
  const packet = Buffer.alloc(bytes);
  for (let sent = 0; sent < packets; ) {
    const nowMs = sharedNowMs();
    if (nowMs < startMs + sent * intervalMs) {
      // Timers are too coarse for the pace of a fast link.
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    // After a standstill of this machine, a stream that shall fill no queue goes on at its pace instead of catching up.
    const lateMs = nowMs - startMs - sent * intervalMs;
    if (isSteady && lateMs > STANDSTILL_MS) startMs += lateMs;
    packet.writeDoubleLE(nowMs, 0);
    sent += 1;
    socket.send(Buffer.from(packet));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.close();
}

/** All processes of one machine share it, in network namespaces too. */
function sharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}

const STANDSTILL_MS = 5;

const [role, address = "", ...numbers] = process.argv.slice(2);
if (role === "receive") await receive(address, Number(numbers[0]), numbers[1]);
else await send(address, ...(numbers.map(Number) as [number, number, number, number, number]));
