import { MESSAGE_SIZE } from "@meshstream/msp";
import type { CarriedSocket } from "../shared/carry.ts";
import type { TcpStream } from "../shared/runtime.ts";

/** Bytes carried so far. */
export interface SpliceCounts {
  toTcpBytes: number;
  fromTcpBytes: number;
}

/**
 * Join an MSP connection and a TCP connection until both have ended. Each direction ends on its own: SHUTDOWN and FIN
 * stand for each other, and so do STOP and RST. A message is taken, and acknowledged, only after the system took its bytes;
 * bytes are read only while MSP has room: on the way through are at most one message and one read of the system (64 KiB).
 *
 * Resolves when both directions have ended; what is left then is the peer's last acknowledgement. Rejects with the
 * MspError or TcpError that ended either connection suddenly, after ending the other.
 */
export async function splice(socket: CarriedSocket, tcp: TcpStream, counts: SpliceCounts): Promise<void> {
  const incoming = carryToTcp(socket, tcp, counts);
  const lost = endOf(socket, incoming);
  try {
    await Promise.race([Promise.all([incoming, carryFromTcp(socket, tcp, lost, counts)]), lost]);
  } catch (error) {
    socket.stop();
    tcp.reset();
    throw error;
  }
}

async function carryToTcp(socket: CarriedSocket, tcp: TcpStream, counts: SpliceCounts): Promise<void> {
  for (let message = await socket.receive(); message !== undefined; message = await socket.receive()) {
    await tcp.write(message);
    counts.toTcpBytes += message.length;
  }
  tcp.shutdown();
}

/** What lies ready is read at once, so that messages are full while MSP is the slower one, and no byte waits for others. */
async function carryFromTcp(
  socket: CarriedSocket,
  tcp: TcpStream,
  lost: Promise<never>,
  counts: SpliceCounts,
): Promise<void> {
  for (let chunk = await tcp.read(); chunk !== undefined; chunk = await tcp.read()) {
    for (let start = 0; start < chunk.length; start += MESSAGE_SIZE) {
      // What ends the connection is told by `lost`, after what had arrived is written.
      await socket.send(chunk.subarray(start, start + MESSAGE_SIZE)).catch(() => lost);
    }
    counts.fromTcpBytes += chunk.length;
  }
  socket.shutdown();
}

/** Rejects with what ended the connection suddenly, once the messages that had arrived are written, or cannot be for a second. */
async function endOf(socket: CarriedSocket, incoming: Promise<void>): Promise<never> {
  try {
    await socket.closed;
  } catch (error) {
    await new Promise<void>((resolve) => {
      const patience = setTimeout(resolve, GRACE_MS);
      const done = (): void => {
        clearTimeout(patience);
        resolve();
      };
      incoming.then(done, done);
    });
    throw error;
  }
  return new Promise(() => undefined);
}

const GRACE_MS = 1000;
