import type { Context } from "./context.ts";
import { type NodeMesh, openKeyring, openMesh } from "./runtime.ts";

/**
 * Open the node of the settings, in a home or a daemon, run `body` with it, and close it. The first use of a home makes its identity.
 */
export async function withMesh<T>(context: Context, body: (mesh: NodeMesh) => Promise<T>): Promise<T> {
  const { settings, report, interruption } = context;
  const { home, bind, peers, broadcast, engine, transport } = settings;
  const isNew = !settings.usesDaemon && (await openKeyring(home).list()).length === 0;
  const mesh = await openMesh({ home, bind, peers, broadcast, engine, transport });
  if (isNew) tellIdentity(context, mesh);
  tellIgnored(context, mesh);
  try {
    const { role, bound } = mesh;
    const sid = mesh.identities[0]!.hex;
    report.detail(
      {
        event: "open",
        role,
        sid,
        engine: mesh.engine,
        ...(mesh.home === undefined ? { transport } : { home: mesh.home }),
        ...(bound === undefined ? {} : { bound }),
      },
      `node ${sid}, ${PLACES[role]} ${mesh.home ?? transport}${bound === undefined ? "" : `, UDP ${bound}`}, engine ${mesh.engine}`,
    );
    interruption.signal.throwIfAborted();
    return await body(mesh);
  } finally {
    await mesh.close();
  }
}

const PLACES = { holder: "holding", attached: "attached to", daemon: "of the daemon at" } as const;

/** What is the holder's alone, and what is no affair of a daemon's. */
function tellIgnored({ settings, report }: Context, { role }: NodeMesh): void {
  if (role === "holder") return;
  const ignored = [
    ...(settings.bind === undefined ? [] : ["--bind"]),
    ...(settings.broadcast ? [] : ["--no-broadcast"]),
    ...(role === "daemon" && settings.peers.length > 0 ? ["--peer"] : []),
  ];
  const why = role === "daemon" ? "a Serval daemon is the node" : "this home is held by another program";
  for (const option of ignored) {
    report.note({ event: "warning", reason: "option-ignored", option }, `${option} is ignored: ${why}`);
  }
}

function tellIdentity({ report }: Context, { identities, home }: NodeMesh): void {
  const { hex } = identities[0]!;
  report.note({ event: "identity-created", sid: hex, home }, `made an identity in ${home}: ${hex}`);
}
