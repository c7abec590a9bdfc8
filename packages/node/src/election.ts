// How the first program to open a home becomes its holder, and the only one, whatever is killed when.
//
// Each starter listens on a Unix socket of its own, HOME/node-XXXXXXXX.sock, *before* anyone can learn that name. A socket
// that refuses is therefore dead, for good, and the system itself sees to it when a process dies: no process numbers, no
// ages of files, no leases. HOME/node.sock is a symbolic link to the holder's socket. Making a symbolic link fails if the
// name is taken, so of several starters one gets it.
//
// Taking over from a dead holder must be as exclusive. To remove the link and make a new one is not: a slow starter may
// remove the new link of a quick one. So nothing is removed first. The successor of a dead socket is named by
// another link, node-XXXXXXXX.sock.next, which again only one can make. The links form a chain, and the holder is the one at its
// end. The holder then points HOME/node.sock at itself, by a rename, which happens at once, and clears the rest of the chain
// away. A starter that was looking at that rest meanwhile may find its end free and make a link there: so whoever has
// made a link follows the chain from the beginning once more, and is the holder only if that leads to itself.

/** A home's folder as the election sees it. Each call happens at once or not at all; names are names in the folder. */
export interface HomeFolder<Connection> {
  /** What a link names; undefined if there is no such link. */
  readLink(link: string): Promise<string | undefined>;
  /** Make a link. False if the name is taken. */
  makeLink(link: string, target: string): Promise<boolean>;
  /** Make a link in place of the one that has the name. */
  replaceLink(link: string, target: string): Promise<void>;
  /** Remove a link or a socket, if it is there. */
  remove(name: string): Promise<void>;
  /** Connect to a socket; undefined if it is dead. */
  connect(socket: string): Promise<Connection | undefined>;
  /** This starter's own socket, which listens from now on: the same name at every call. */
  listen(): Promise<string>;
}

/** Become the holder, with undefined, or be connected to the one there is. Rejects as the folder does. */
export async function elect<Connection>(folder: HomeFolder<Connection>): Promise<Connection | undefined> {
  for (;;) {
    const chain = await readChain(folder);
    const last = chain.at(-1);
    const connection = last === undefined ? undefined : await folder.connect(last);
    if (connection !== undefined) return connection;
    const own = await folder.listen();
    const link = linkAfter(last);
    if (!(await folder.makeLink(link, own))) continue;
    if ((await readChain(folder)).at(-1) !== own) {
      await folder.remove(link);
      continue;
    }
    await shorten(folder, chain, own);
    return undefined;
  }
}

/** Stop being the holder. The own socket must listen until this resolves: once it refuses, the link may be a successor's. */
export async function resign(folder: HomeFolder<unknown>, own: string): Promise<void> {
  if ((await folder.readLink(ROOT)) === own) await folder.remove(ROOT);
}

/** The sockets, from the one that HOME/node.sock names to the last. */
async function readChain(folder: HomeFolder<unknown>): Promise<string[]> {
  const chain: string[] = [];
  for (;;) {
    const next = await folder.readLink(linkAfter(chain.at(-1)));
    if (next === undefined) return chain;
    chain.push(next);
  }
}

/** Clear away the dead, so that the chain begins with its end. */
async function shorten(folder: HomeFolder<unknown>, dead: readonly string[], own: string): Promise<void> {
  if (dead.length > 0) await folder.replaceLink(ROOT, own);
  for (const socket of dead) {
    await folder.remove(linkAfter(socket));
    await folder.remove(socket);
  }
}

/** The link that names who comes after `socket`, or the first. */
function linkAfter(socket: string | undefined): string {
  return socket === undefined ? ROOT : `${socket}.next`;
}

/** The link where the holder of a home is found. */
const ROOT = "node.sock";
