// The main job: two nodes in two processes, with fresh identities in temporary homes, meet over real UDP through a relay that
// loses a tenth of the packets each way; a real file goes across, and is compared here, by nobody who took part.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { startMsp } from "./msp.mjs";
import { openRelay } from "./relay.mjs";

const LOSS_RATE = 0.1;
const SEED = Number(process.env.MAIN_JOB_SEED ?? 1);
const PATIENCE_MS = 180_000;

let shownTenths = 0;
const cleanups = [];
const later = (cleanup) => cleanups.unshift(cleanup);

try {
  process.exitCode = await Promise.race([transfer(), giveUp(), interruption()]);
} catch (error) {
  console.error(`main job: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const cleanup of cleanups) await cleanup();
}

async function transfer() {
  const file = createRequire(import.meta.url).resolve("typescript/lib/_tsc.js");
  const { size } = await stat(file);
  console.log(`file: ${basename(file)}, the TypeScript compiler that built this, ${size} bytes`);

  const folder = await mkdtemp(join(tmpdir(), "msp-main-job-"));
  later(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const inbox = join(folder, "inbox");
  await mkdir(inbox);
  const relay = await openRelay({ seed: SEED, lossRate: LOSS_RATE });
  later(() => relay.close());
  console.log(`relay: loses ${LOSS_RATE * 100} % of the packets each way, seed ${SEED}`);

  const [senderSide, receiverSide] = relay.addresses;
  const sid = {};
  for (const name of ["sender", "receiver"]) sid[name] = await makeIdentity(join(folder, name));
  const node = (name, side) => [
    ...["--home", join(folder, name), "--bind", "127.0.0.1:0", "--no-broadcast", "--peer", side],
  ];

  const receiver = await startReceiver([...node("receiver", receiverSide), "--from", sid.sender, inbox]);
  const startedMs = performance.now();
  const sender = startMsp(["send", ...node("sender", senderSide), file, sid.receiver], showProgress);
  later(() => sender.stop());
  const codes = await Promise.all([sender.ended, receiver.ended]);
  const seconds = (performance.now() - startedMs) / 1000;
  if (codes.some((code) => code !== 0))
    throw new Error(`msp send ended with ${codes[0]}, msp receive with ${codes[1]}`);

  const [sent, received] = await Promise.all([sha256(file), sha256(join(inbox, basename(file)))]);
  if (sent !== received) throw new Error(`SHA-256 differs: sent ${sent}, received ${received}`);
  console.log(
    `${size} bytes in ${seconds.toFixed(2)} s, ${(size / 1e6 / seconds).toFixed(2)} MB/s, ` +
      `${relay.stats.lost} of ${relay.stats.lost + relay.stats.passed} packets lost on the way, SHA-256 equal`,
  );
  return 0;
}

async function makeIdentity(home) {
  let sid;
  const making = startMsp(["id", "new", "--home", home], (event) => {
    sid = event.sid;
  });
  later(() => making.stop());
  const code = await making.ended;
  if (code !== 0) throw new Error(`msp id new ended with ${code}`);
  console.log(`${basename(home)}: ${sid}`);
  return sid;
}

/** Resolves when it listens. */
async function startReceiver(words) {
  let tellListening;
  const listening = new Promise((resolve) => {
    tellListening = resolve;
  });
  const receiver = startMsp(["receive", "--once", ...words], ({ event, bound }) => {
    if (event === "listening") tellListening(bound);
  });
  later(() => receiver.stop());
  const ended = receiver.ended.then((code) => {
    throw new Error(`msp receive ended with ${code} before it listened`);
  });
  await Promise.race([listening, ended]);
  return receiver;
}

/** On a terminal one line that is written over, elsewhere a line for each tenth. */
function showProgress({ event, doneBytes, totalBytes, bytesPerSecond }) {
  if (event !== "progress") return;
  const share = doneBytes / totalBytes;
  const line = `${Math.floor(share * 100)} %, ${(doneBytes / 1e6).toFixed(1)} of ${(totalBytes / 1e6).toFixed(1)} MB, ${(
    bytesPerSecond / 1e6
  ).toFixed(2)} MB/s`;
  if (process.stdout.isTTY) {
    process.stdout.write(`\r\u001b[K${line}${share === 1 ? "\n" : ""}`);
  } else if (Math.floor(share * 10) > shownTenths) {
    shownTenths = Math.floor(share * 10);
    console.log(line);
  }
}

async function sha256(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function giveUp() {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done after ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
    later(() => clearTimeout(timer));
  });
}

function interruption() {
  return new Promise((_, reject) => {
    process.once("uncaughtException", reject);
    for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => reject(new Error(`ended by ${name}`)));
  });
}
