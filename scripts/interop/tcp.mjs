// A TCP program on a machine of the suite, as something to forward.
//
//   node tcp.mjs serve PORT          echoes what comes, and ends when the client has ended
//   node tcp.mjs call PORT BYTES     sends so many bytes, ends, and prints the SHA-256 of what was sent and came back
import { createHash, randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";

const [role, port, bytes] = process.argv.slice(2);
if (role === "serve") {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
} else {
  const sent = randomBytes(Number(bytes));
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  const came = [];
  let count = 0;
  socket.on("error", ({ code }) => {
    console.log(`error ${code}`);
    process.exit(1);
  });
  socket.on("data", (chunk) => {
    came.push(chunk);
    count += chunk.length;
    // A deployed end cuts off what it has not read when the other one has ended: so end when all is here.
    if (count >= sent.length) socket.end();
  });
  socket.on("end", () => {
    console.log(`${sha256(sent)} ${sha256(Buffer.concat(came))}`);
    socket.destroy();
  });
  socket.write(sent);
}

function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}
