import type { ACL } from 'node-zookeeper-client';
import type { Connection, Reply } from './connection.ts';
import { NODE_EXISTS, NO_NODE, failureError } from './failures.ts';
import type { Identity } from './identity.ts';

const NO_AUTH = -102;
const INVALID_ACL = -114;

/**
 * Sees to it that the cluster's root is there and may be read. Undefined when it is; the reason, with its mend, when ZooKeeper
 * refuses. Throws what a call throws.
 */
export async function openRoot(
  connection: Connection,
  root: string,
  identity: Identity,
): Promise<string | undefined> {
  const read = await connection.call<undefined>(`a read of ${root}`, (client, answer) => {
    client.getData(root, (error) => answer(error, undefined));
  });
  if (read.ok) return undefined;
  if (read.code === NO_AUTH) return identity.keptOut(root);
  if (read.code !== NO_NODE) throw failureError({ code: read.code, path: root });
  return await createRoot(connection, root, identity);
}

async function createRoot(
  connection: Connection,
  root: string,
  identity: Identity,
): Promise<string | undefined> {
  const names = root.slice(1).split('/');
  for (const depth of names.keys()) {
    const path = `/${names.slice(0, depth + 1).join('/')}`;
    const made = await createFolder(connection, path, identity.acl);
    if (made.ok || made.code === NODE_EXISTS) continue;
    if (made.code === NO_AUTH || made.code === INVALID_ACL) return identity.mayNotMake(path, root);
    throw failureError({ code: made.code, path });
  }
  return undefined;
}

function createFolder(connection: Connection, path: string, acl: ACL[]): Promise<Reply<undefined>> {
  return connection.call(`to make ${path}`, (client, answer) => {
    client.create(path, Buffer.alloc(0), acl, (error) => answer(error, undefined));
  });
}

/** Makes a folder and, where they are missing, those above it. Fails with what forbids it. */
export async function makeFolder(connection: Connection, path: string, acl: ACL[]): Promise<void> {
  const made = await createFolder(connection, path, acl);
  if (made.ok || made.code === NODE_EXISTS) return;
  const above = path.slice(0, path.lastIndexOf('/'));
  if (made.code !== NO_NODE || above === '') throw failureError({ code: made.code, path });
  await makeFolder(connection, above, acl);
  const again = await createFolder(connection, path, acl);
  if (!again.ok && again.code !== NODE_EXISTS) throw failureError({ code: again.code, path });
}
