import { afterAll, beforeAll } from 'vitest';
import { storeContract } from '../contract/store.contract.ts';
import { type ZooKeeperServer, startZooKeeper } from '../lab/zookeeper.ts';
import { realSubject } from './zookeeper-subject.ts';

let server: ZooKeeperServer;

beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(async () => {
  await server.stop();
});

storeContract('ZooKeeper 3.8', () => realSubject(server));
