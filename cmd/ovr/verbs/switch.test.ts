import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { OvrError } from '../../../pkg/api/index.ts';
import type { ClusterAlias } from '../../../pkg/reconcile/index.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

const selector = { app: 'nginx', track: 'green' };

function alias(change: Partial<ClusterAlias> = {}): ClusterAlias {
  return {
    key: 'Alias/nginx',
    name: 'nginx',
    dnsName: 'nginx',
    network: 'ovr0',
    readiness: 'Running',
    selector,
    isSwitched: true,
    chosen: ['green'],
    holders: [
      { container: 'blue', node: 'n1', has: false, standing: 'unhealthy' },
      { container: 'green', node: 'n2', has: true, standing: 'ready' },
    ],
    isComplete: true,
    isSettled: true,
    condition: { type: 'Ready', message: 'nginx leads to green (n2)' },
    ...change,
  };
}

describe('switch', () => {
  it('says what is in force and when the name leads there', async () => {
    stage.agent.switched = { alias: 'nginx', selector, chosen: ['green'] };
    stage.agent.set({ aliases: [alias()] });
    const { code, stdout } = await stage.run('switch nginx track=green app- --for 10m --note trial');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^nginx is switched to app=nginx track=green for 10m, or until ovr switch nginx --back\nnginx leads to green \(n2\), after \d+ ?ms\n$/,
    );
    expect(stage.agent.asked).toMatchObject({
      alias: 'nginx',
      labels: { track: 'green', app: null },
      forMs: 600_000,
      note: 'trial',
    });
  });

  it('fails when it is not there in time, and says that it goes on', async () => {
    stage.agent.switched = { alias: 'nginx', selector, chosen: ['green'] };
    const condition = { type: 'Progressing', message: 'waits for green (n2) to have the name' } as const;
    stage.agent.set({ aliases: [alias({ isSettled: false, condition })] });
    const { code, stderr } = await stage.run('switch nginx track=green --timeout 1s');
    expect(code).toBe(1);
    expect(stderr).toContain('waits for green (n2) to have the name; it goes on by itself');
    expect((await stage.run('switch nginx track=green --no-wait')).code).toBe(0);
  });

  it('goes back, and says where there is nothing to go back from', async () => {
    stage.agent.switched = { alias: 'nginx', selector, chosen: ['green'] };
    stage.agent.set({ aliases: [alias()] });
    expect((await stage.run('switch nginx --back')).stdout).toContain(
      'nginx goes back to app=nginx track=green, as its manifest says',
    );
    stage.agent.switched = undefined;
    const nothing = await stage.run('switch nginx --back');
    expect(nothing).toMatchObject({
      code: 0,
      stdout: 'nginx was not switched: it leads where its manifest says\n',
    });
    stage.agent.switched = { alias: 'nginx', selector: {}, chosen: [] };
    expect((await stage.run('switch nginx --back')).stdout).toContain(
      'no manifest declares that alias any more',
    );
  });

  it('passes on why it is refused', async () => {
    stage.agent.failure = new OvrError('invalid-request', 'invalid', 'no container has track=green');
    const { code, stderr } = await stage.run('switch nginx track=green');
    expect(code).toBe(1);
    expect(stderr).toContain('no container has track=green');
  });

  it.each([
    ['switch nginx', 'labels are missing: write ovr switch nginx LABEL=VALUE, or --back'],
    ['switch nginx track', '"track" is no label'],
    ['switch nginx track=a --for soon', '--for "soon" is not a duration'],
    ['switch nginx track=a --back', '--back takes no labels'],
  ])('%s is a mistake', async (line, message) => {
    const { code, stderr } = await stage.run(line);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('has its JSON form', async () => {
    stage.agent.switched = { alias: 'nginx', selector, chosen: ['green'] };
    stage.agent.set({ aliases: [alias()] });
    const { stdout } = await stage.run('switch nginx track=green -o json');
    expect(JSON.parse(stdout)).toMatchObject({ alias: 'nginx', selector, state: { isSettled: true } });
  });
});

describe('get aliases', () => {
  it('shows where each name leads and who else could have it', async () => {
    stage.agent.set({ aliases: [alias()] });
    expect((await stage.run('get aliases')).stdout).toBe(
      `NAME    CONDITION   DNS-NAME   NETWORK   SELECTOR                           LEADS-TO   OTHERS
nginx   Ready       nginx      ovr0      app=nginx track=green (switched)   green@n2   blue@n1 (unhealthy)
`,
    );
    expect(JSON.parse((await stage.run('get a nginx -o json')).stdout)).toMatchObject({ dnsName: 'nginx' });
    expect((await stage.run('get alias web')).stderr).toContain('there is no Alias/web here');
  });
});
