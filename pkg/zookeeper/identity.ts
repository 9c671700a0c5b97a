import { ACL, Id, Permission } from 'node-zookeeper-client';

/** Who the agent is to ZooKeeper, and what follows from it. */
export interface Identity {
  /** Of everything it makes. */
  readonly acl: ACL[];
  /** Why this path, which is there, may not be read, and what to do. */
  keptOut(path: string): string;
  /** Why `path` could not be made on the way to `root`, and what to do. */
  mayNotMake(path: string, root: string): string;
}

/** With `user:password`, which is digest: everything for this identity and nothing for others. Without: everything for everybody. */
export function identityOf(auth: string | undefined): Identity {
  return auth === undefined ? anybody : digest(auth.slice(0, auth.indexOf(':')));
}

const anybody: Identity = {
  acl: [new ACL(Permission.ALL, new Id('world', 'anyone'))],
  keptOut: (path) =>
    `ZooKeeper lets nobody read ${path} without credentials: give this agent the user:password of the cluster, or use another path.`,
  mayNotMake: (path, root) =>
    `ZooKeeper forbids making ${path}: make it by hand, in zkCli.sh: ${createLines(path, root, 'world:anyone:cdrwa')}. Or give this agent the user:password that may.`,
};

function digest(user: string): Identity {
  return {
    // `auth` with no name: whoever makes it.
    acl: [new ACL(Permission.ALL, new Id('auth', ''))],
    keptOut: (path) =>
      `ZooKeeper does not let "${user}" read ${path}: give this agent the user:password that the others of the cluster have, or use another path.`,
    mayNotMake: (path, root) =>
      `ZooKeeper does not let "${user}" make ${path}: make it by hand, in zkCli.sh as somebody who may: addauth digest ${user}:PASSWORD; ${createLines(path, root, 'auth::cdrwa')}.`,
  };
}

function createLines(path: string, root: string, acl: string): string {
  const names = root.slice(path.length).split('/').slice(1);
  const paths = [path, ...names.map((_, i) => `${path}/${names.slice(0, i + 1).join('/')}`)];
  return paths.map((each) => `create ${each} "" ${acl}`).join('; ');
}
