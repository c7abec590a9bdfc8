import UDX from "udx-native";
import { Progress, sharedNowMs, subject, tell } from "./subject.ts";

// udx-native, in one process of its own: one stream over one socket, no encryption.
subject(async ({ role, relayPort, bytes }) => {
  const udx = new UDX();
  const socket = udx.createSocket();
  socket.bind(0, "127.0.0.1");
  const [mine, theirs] = role === "sender" ? [1, 2] : [2, 1];
  const stream = udx.createStream(mine);
  stream.connect(socket, theirs, relayPort, "127.0.0.1");
  stream.on("error", (error: Error) => console.error(`udx: ${error.message}`));
  if (role === "receiver") {
    const progress = new Progress(bytes);
    stream.on("data", (data: Uint8Array) => progress.came(data.length));
    // The relay sends to whoever spoke to it last.
    await socket.send(Buffer.from("hello"), relayPort, "127.0.0.1");
    tell({ kind: "ready" });
    return;
  }
  tell({ kind: "ready" });
  tell({ kind: "started", atMs: sharedNowMs() });
  const chunk = Buffer.alloc(64 * 1024, 0x5a);
  for (let left = bytes; left > 0; ) {
    const part = left >= chunk.length ? chunk : chunk.subarray(0, left);
    left -= part.length;
    if (!stream.write(part)) await new Promise((resolve) => stream.once("drain", resolve));
  }
});
