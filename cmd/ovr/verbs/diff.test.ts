import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OvrError } from '../../../pkg/api/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { aliasDrift } from '../../../test/build/statuses.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

describe('diff', () => {
  it('ends with 0 where nothing differs', async () => {
    expect(await stage.run('diff')).toEqual({ code: 0, stdout: 'no differences\n', stderr: '' });
  });

  it('ends with 1 and shows what differs', async () => {
    stage.agent.changes = [
      {
        key: 'Container/nginx_web_1',
        condition: 'Progressing',
        message: 'to be repaired',
        actions: ['DisconnectEndpoint', 'ConnectEndpoint'],
        causes: [aliasDrift],
      },
      { key: 'Network/ovr0', condition: 'Conflict', message: 'not owned', actions: [], causes: [] },
    ];
    expect(await stage.run('diff')).toEqual({
      code: 1,
      stderr: '',
      stdout: `Container/nginx_web_1: Progressing: to be repaired
  networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)
  would do: DisconnectEndpoint, ConnectEndpoint
Network/ovr0: Conflict: not owned
2 objects differ, 2 steps would be done
`,
    });
    const { code, stdout } = await stage.run('diff -o json');
    expect([code, JSON.parse(stdout)]).toEqual([1, { changes: stage.agent.changes }]);
  });

  it('ends with 2 when it cannot tell', async () => {
    stage.agent.failure = new OvrError('engine-unreachable', 'transient', 'the engine is away: start it');
    expect(await stage.run('diff')).toEqual({
      code: 2,
      stdout: '',
      stderr: `ovr: ${stage.socketPath}: the engine is away: start it\n`,
    });
  });
});

describe('prune', () => {
  it('shows what is held and lets it go', async () => {
    stage.agent.set({ prune: { held: true, reason: '5 of 6 would go', keys: ['Container/a', 'Network/b'] } });
    expect((await stage.run('prune')).stdout).toBe(
      '5 of 6 would go:\n  Container/a\n  Network/b\novr prune --confirm removes them\n',
    );
    expect((await stage.run('prune --confirm')).stdout).toBe(
      '2 removals confirmed:\n  Container/a\n  Network/b\n',
    );
    expect((await stage.run('prune --confirm')).stdout).toBe('no removals were held\n');
    expect((await stage.run('prune')).stdout).toBe('no removals are held\n');
    expect(JSON.parse((await stage.run('prune --confirm -o json')).stdout)).toEqual({ confirmed: [] });
  });
});
