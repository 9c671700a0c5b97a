/** Scripted ZooKeepers and seats at them, which all go with the test. */
import { afterEach } from 'vitest';
import { type Script, ScriptedZooKeeper } from './scripted-zookeeper.ts';
import { ZooKeeperSeat } from './zookeeper-seat.ts';

export interface ZooKeeperStage {
  readonly scripted: (script?: Script) => Promise<ScriptedZooKeeper>;
  /** Not started. */
  readonly seatAt: (...args: ConstructorParameters<typeof ZooKeeperSeat>) => ZooKeeperSeat;
}

/** To be called at the top of a test file. */
export function zooKeeperStage(): ZooKeeperStage {
  const servers: ScriptedZooKeeper[] = [];
  const seats: ZooKeeperSeat[] = [];
  afterEach(async () => {
    for (const seat of seats.splice(0)) await seat.stop();
    for (const server of servers.splice(0)) await server.close();
  });
  return {
    scripted: async (script = {}) => {
      const server = await ScriptedZooKeeper.open(script);
      servers.push(server);
      return server;
    },
    seatAt: (...args) => {
      const seat = new ZooKeeperSeat(...args);
      seats.push(seat);
      return seat;
    },
  };
}
