import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { container, network } from '../../../test/build/statuses.ts';
import { fakeObject } from '../../../test/build/fake-agent.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

describe('get', () => {
  beforeEach(() => stage.agent.set({ objects: [container(), network()] }));

  it.each(['get networks', 'get network', 'get net', 'get n', 'get NET'])(
    '%s lists networks',
    async (line) => {
      expect(await stage.run(line)).toEqual({
        code: 0,
        stderr: '',
        stdout:
          'NAME   CONDITION   DRIVER    SCOPE    SUBNET        AGE\n' +
          'ovr0   Ready       overlay   global   10.0.9.0/24   1m30s\n',
      });
    },
  );

  it('lists containers', async () => {
    const { stdout } = await stage.run('get containers');
    expect(stdout).toBe(
      'NAME          CONDITION   STATE               IMAGE        NETWORKS   AGE\n' +
        'nginx_web_1   Ready       running (healthy)   nginx:1.27   ovr0       1h\n',
    );
  });

  it('lists the node', async () => {
    stage.agent.set({ startedMs: stage.ago(200_000) });
    expect((await stage.run('get nodes')).stdout).toBe(
      'NAME           ENGINE   KIND    DOCKER     MODE      CONVERGED   OBJECTS   UP\n' +
        'swarm-node-1   up       plain   20.10.24   enforce   yes         2         2d7h\n',
    );
  });

  it('shows more when asked', async () => {
    const { stdout } = await stage.run('get c -o wide');
    expect(stdout).toMatch(/ADDRESSES +ALIASES +ID +MODE +DECLARED +MESSAGE\n/);
    expect(stdout).toMatch(
      /10\.0\.9\.2 +nginx,web +b{12} +enforce +\/etc\/ovr\.d\/nginx\.yaml:7 +runs as declared\n$/,
    );
    expect((await stage.run('get nodes -o wide')).stdout).toMatch(/default +1\.41 +abcdef012345 +0\.1\.0\n$/);
  });

  it('prints data: a list, or the one object that was named', async () => {
    const list = await stage.run('get containers -o json');
    expect(JSON.parse(list.stdout)).toEqual({ items: [container()] });
    const one = await stage.run('get container/nginx_web_1 -o json');
    expect(JSON.parse(one.stdout)).toEqual(container());
    const yaml = await stage.run('get container nginx_web_1 -o yaml');
    expect(parse(yaml.stdout)).toEqual(container());
    const node = await stage.run('get node swarm-node-1 -o json');
    expect(JSON.parse(node.stdout)).toMatchObject({ key: 'Node/swarm-node-1', objects: 2, converged: true });
  });

  it('prints names', async () => {
    expect((await stage.run('get containers -o name')).stdout).toBe('Container/nginx_web_1\n');
    expect((await stage.run('get nodes -o name')).stdout).toBe('Node/swarm-node-1\n');
  });

  it('says so when there is nothing', async () => {
    stage.agent.set({ objects: [] });
    expect(await stage.run('get containers')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no containers here\n',
    });
    expect((await stage.run('get containers -o json')).stdout).toBe('{\n  "items": []\n}\n');
  });

  it('shows a dash for what is not known, and no control characters', async () => {
    const message = 'bad \u001b[31mimage\u001b[0m\nname';
    const lost = fakeObject({ condition: { type: 'Failed', message, sinceMs: 0 } });
    stage.agent.set({ objects: [lost] });
    const { stdout } = await stage.run('get containers -o wide');
    expect(stdout.split('\n')[1]).toMatch(
      /^nginx_web_1 +Failed +- +- +- +- +- +- +- +enforce +- +bad +\[31mimage \[0m name$/,
    );
  });

  it.each([
    ['get pods', 2, 'ovr: "pods" is not a kind: use networks, containers, aliases, nodes\n'],
    [
      'get contaners',
      2,
      'ovr: "contaners" is not a kind (did you mean "containers"?): use networks, containers, aliases, nodes\n',
    ],
    ['get net/a b', 2, 'ovr: "net/a b" names too much: write KIND NAME\n'],
    ['get net/', 2, 'ovr: "net/" names nothing: write KIND NAME\n'],
    [
      'get c nginx_web_2',
      1,
      'ovr: there is no Container/nginx_web_2 on this node (did you mean "nginx_web_1"?): ovr get containers lists what there is\n',
    ],
    ['get node other', 1, 'ovr: there is no node "other" here: ovr get nodes lists what there is\n'],
  ])('%s fails with %i', async (line, code, stderr) => {
    expect(await stage.run(line)).toEqual({ code, stderr, stdout: '' });
  });
});

describe('colours', () => {
  beforeEach(() => stage.agent.set({ objects: [network()] }));
  const painted = '\u001b[32mReady\u001b[39m';

  it('are for terminals', async () => {
    expect((await stage.run('get net', { isTty: true })).stdout).toContain(painted);
    expect((await stage.run('get net')).stdout).not.toContain('\u001b');
  });

  it.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('are off with %j', async (env) => {
    expect((await stage.run('get net', { isTty: true, env })).stdout).not.toContain('\u001b');
  });

  it('are never in data', async () => {
    expect((await stage.run('get net -o json', { isTty: true })).stdout).not.toContain('\u001b');
  });
});
