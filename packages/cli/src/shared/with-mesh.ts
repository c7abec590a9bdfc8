import type { Context } from "./context.ts";
import { type NodeMesh, openKeyring, openMesh } from "./runtime.ts";

/**
 * Open the node of the settings' home, run `body` with it, and close it. The first use of a home makes its identity.
 */
export async function withMesh<T>(context: Context, body: (mesh: NodeMesh) => Promise<T>): Promise<T> {
  const { settings, report, interruption } = context;
  await ensureIdentity(context);
  const mesh = await openMesh({
    home: settings.home,
    ...(settings.bind === undefined ? {} : { bind: settings.bind }),
    peers: [...settings.peers],
    broadcast: settings.broadcast,
    engine: settings.engine,
  });
  try {
    const { role, engine, bound } = mesh;
    const sid = mesh.identities[0]!.hex;
    report.detail(
      { event: "open", role, sid, engine, home: settings.home, ...(bound === undefined ? {} : { bound }) },
      `node ${sid}, ${role} of ${settings.home}${bound === undefined ? "" : ` on UDP ${bound}`}, engine ${engine}`,
    );
    interruption.signal.throwIfAborted();
    return await body(mesh);
  } finally {
    await mesh.close();
  }
}

async function ensureIdentity({ settings, report }: Context): Promise<void> {
  const keyring = await openKeyring(settings.home);
  if ((await keyring.list()).length > 0) return;
  const { sid } = await keyring.create();
  report.note(
    { event: "identity-created", sid: sid.hex, home: settings.home },
    `made an identity in ${settings.home}: ${sid.hex}`,
  );
}
