import type { Clock, DatagramTransport, LinkAddress } from "@meshstream/msp";
import { encodeRecord, isAny, parseRecord, SID_ANY } from "../mdp2/record.ts";
import { ServaldTiming } from "./limits.ts";
import { DaemonQuestion } from "./questions.ts";

/**
 * Ask at several addresses for a daemon (docs/wire.md W10). Resolves to the first of them that answers within 300 ms, or to undefined.
 * Does not close the link; its receiver is the caller's to set afterwards.
 *
 * @example await findDaemon(link, systemClock, ["127.0.0.1:4210", "127.0.0.1:4211"]);
 */
export async function findDaemon(
  link: DatagramTransport,
  clock: Clock,
  candidates: readonly LinkAddress[],
): Promise<LinkAddress | undefined> {
  const answered = new Set<LinkAddress>();
  return new Promise((resolve) => {
    const timer = clock.setTimer(clock.now() + ServaldTiming.FIND_MS, () =>
      resolve(candidates.find((candidate) => answered.has(candidate))),
    );
    link.onDatagram((datagram, from) => {
      if (!isIdentity(datagram)) return;
      answered.add(from);
      if (from !== candidates[0]) return;
      timer.cancel();
      resolve(from);
    });
    const question = encodeRecord({
      local: { sid: SID_ANY, port: 0 },
      remote: { sid: SID_ANY, port: DaemonQuestion.IDENTITIES },
      flags: 0,
    });
    for (const candidate of candidates) link.send(question, candidate);
  });
}

function isIdentity(datagram: Uint8Array): boolean {
  const record = parseRecord(datagram);
  if (record.kind !== "data" && record.kind !== "close") return false;
  return (
    isAny(record.remote.sid) && record.remote.port === DaemonQuestion.IDENTITIES && !isAny(record.local.sid)
  );
}
