import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { OvrError } from '../../../pkg/api/index.ts';
import type { ObjectStatus } from '../../../pkg/reconcile/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import {
  clusterContainer,
  clusterNode,
  clusterView,
  leaderlessStatus,
  sharedStatus,
} from '../../../test/build/cluster-view.ts';
import { fakeObject } from '../../../test/build/fake-agent.ts';
import { container, network } from '../../../test/build/statuses.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
  stage.agent.view = clusterView();
  stage.agent.set({ coordinator: sharedStatus(), objects: [container(), network()] });
});
afterEach(() => stage.close());

const away = new OvrError('coordinator-timeout', 'transient', 'ZooKeeper does not answer.');

describe('get, over all nodes', () => {
  it('lists nodes', async () => {
    expect(await stage.run('get nodes')).toEqual({
      code: 0,
      stderr: '',
      stdout: `NAME              STATE   LEADER   ENGINE   VERSION   CONTAINERS   REVISION       CONDITIONS
swarm-node-1      up      -        up       0.1.0     2            abcdef012345   -
swarm-node-2      up      yes      up       0.1.0     2            abcdef012345   1 Failed
swarm-node-3      away    -        -        -         1            -              -
10.6.17.14:2375   swarm   -        -        -         0            -              -
`,
    });
  });

  it('lists containers and networks', async () => {
    expect((await stage.run('get c')).stdout)
      .toBe(`NAME          NODE           BY         CONDITION       MESSAGE
cache_1       -              unplaced   Unschedulable   3 nodes: constraint storage==ssd; 1 node: port 8001 taken
db_1          swarm-node-2   bound      Failed          no such image
nginx_web_1   swarm-node-1   pinned     Ready           as declared
queue_1       swarm-node-3   bound      Waiting         node swarm-node-3 is away: its state is not known
`);
    expect((await stage.run('get net')).stdout).toBe(`NAME   CONDITION   NODES   MESSAGE
ovr0   Ready       2       as declared
`);
  });

  it('shows more when asked', async () => {
    const nodes = (await stage.run('get nodes -o wide')).stdout;
    expect(nodes).toMatch(
      /0\.1\.0 .* 20\.10\.24 \(plain\) +10\.6\.17\.11 +1\.5\/4 +512Mi\/16Gi +- +yes +- +zone=a,disk=ssd\n/,
    );
    expect(nodes).toMatch(/swarm .* registered +-\n$/);
    const containers = (await stage.run('get c -o wide')).stdout;
    expect(containers).toMatch(/nginx_web_1 .* as declared +up +enforce +\/etc\/ovr\.d\/nginx\.yaml:7\n/);
    expect(containers).toMatch(/queue_1 .* away +- +-\n/);
    expect((await stage.run('get n -o wide')).stdout).toMatch(/2 .* swarm-node-1,swarm-node-2 +enforce +/);
  });

  it('prints data with the names that items have everywhere', async () => {
    const nodes = JSON.parse((await stage.run('get nodes -o json')).stdout) as unknown;
    expect(nodes).toMatchObject({
      items: [{ key: 'Node/swarm-node-1', name: 'swarm-node-1', state: 'up' }, {}, {}, {}],
    });
    const one = await stage.run('get c db_1 -o yaml');
    const failed = { key: 'Container/db_1', type: 'Failed', message: 'no such image' };
    const row = clusterContainer('db_1', { condition: failed as ObjectStatus['condition'] & typeof failed });
    expect(parse(one.stdout)).toEqual({ kind: 'Container', name: 'db_1', ...row });
    expect((await stage.run('get net/ovr0 -o json')).stdout).toContain('"nodes": [');
  });

  it('prints names', async () => {
    expect((await stage.run('get nodes -o name')).stdout.split('\n')).toContain('Node/swarm-node-3');
    expect((await stage.run('get c -o name')).stdout).toMatch(/^Container\/cache_1\nContainer\/db_1\n/);
  });

  it.each(['get c', 'get net', 'get nodes'])('%s --here shows this node alone', async (line) => {
    stage.agent.failure = away;
    const shared = await stage.run(`${line} --here`);
    stage.agent.set({ coordinator: { ...sharedStatus(), kind: 'local' } });
    expect(shared).toEqual(await stage.run(line));
  });

  it('says what to do when the coordinator does not answer', async () => {
    stage.agent.failure = away;
    expect(await stage.run('get c nginx_web_1')).toEqual({
      code: 1,
      stdout: '',
      stderr: `ovr: ${stage.socketPath}: ZooKeeper does not answer; ovr get containers --here shows this node alone\n`,
    });
  });

  it.each([
    [
      'get c db_2',
      'ovr: there is no Container/db_2 in the cluster (did you mean "db_1"?): ovr get containers lists what there is\n',
    ],
    [
      'get node swarm-node-4',
      /^ovr: there is no node "swarm-node-4" in the cluster \(did you mean "swarm-node-\d"\?\): ovr get nodes lists/,
    ],
  ])('%s fails', async (line, stderr) => {
    const ran = await stage.run(line);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(stderr);
  });

  it('says so when there is nothing', async () => {
    stage.agent.view = clusterView({ containers: [] });
    expect((await stage.run('get c')).stderr).toBe('no containers in the cluster\n');
  });

  it('colours states, engines and other revisions', async () => {
    stage.agent.view = clusterView({
      nodes: [
        clusterNode('a', { revision: 'other' }),
        clusterNode('b', {
          state: 'lost',
          engine: { kind: 'plain', version: '1', up: false, message: 'gone' },
        }),
      ],
    });
    const { stdout } = await stage.run('get nodes', { isTty: true });
    expect(stdout).toContain('\u001b[33mother\u001b[39m');
    expect(stdout).toContain('\u001b[31mlost\u001b[39m');
    expect(stdout).toContain('\u001b[31mdown\u001b[39m');
  });
});

describe('describe node', () => {
  it('shows everything about a node', async () => {
    expect((await stage.run('describe node swarm-node-2')).stdout).toBe(`Name:        swarm-node-2
State:       up, leads the cluster: its agent has a session
Agent:       ovrd 0.1.0
Engine:      up, plain, Docker 20.10.24
Address:     10.6.17.11
Role:        worker
Platform:    linux/x86_64
Revision:    abcdef012345, as on swarm-node-1
Converged:   no

Labels:
  zone=a
  disk=ssd

Engine labels:
  none

Resources:
  RESOURCE     CAPACITY   REQUESTED   SHARE
  CPUs         4          1.5         38%
  memory       16Gi       512Mi       3%
  containers   -          2           -

Not ready:
  OBJECT           CONDITION   MESSAGE
  Container/db_1   Failed      no such image

Containers:
  NAME   BY      CONDITION   MESSAGE
  db_1   bound   Failed      no such image
`);
  });

  it('shows what is known of one that is away or has other manifests', async () => {
    const { stdout } = await stage.run('describe node/swarm-node-3');
    expect(stdout).toMatch(/^Name: +swarm-node-3\nState: +away: its agent has no session; [^\n]*\n\nLabels:/);
    expect(stdout).toContain('Engine labels:\n  not known\n');
    expect(stdout).toContain('Not ready:\n  not known\n');
    expect(stdout).toContain('memory       -          0           -\n');
    expect(stdout).toMatch(/queue_1 +bound +Waiting/);
    stage.agent.view = clusterView({ nodes: [clusterNode('n9', { revision: '999999999999999' })] });
    expect((await stage.run('describe node n9')).stdout).toMatch(
      /Revision: +999999999999, another than on swarm-node-1 \(abcdef012345\)\n/,
    );
  });

  it('prints data', async () => {
    const { stdout } = await stage.run('describe node swarm-node-1 -o json');
    expect(JSON.parse(stdout)).toEqual({
      key: 'Node/swarm-node-1',
      ...clusterNode('swarm-node-1'),
      containers: [clusterContainer('nginx_web_1', { node: 'swarm-node-1', by: 'pinned' })],
    });
  });

  it('works where the node is the whole cluster', async () => {
    stage.agent.view = undefined;
    stage.agent.set({ coordinator: { ...sharedStatus(), kind: 'local' } });
    const { code, stdout } = await stage.run('describe node swarm-node-1');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/State: +up\n[^]*nginx_web_1 +pinned +Ready/)]);
  });

  it('fails where the coordinator does not answer', async () => {
    stage.agent.failure = away;
    const { code, stderr } = await stage.run('describe node swarm-node-1');
    expect([code, stderr]).toEqual([
      1,
      `ovr: ${stage.socketPath}: ZooKeeper does not answer; ovr status shows how the node that was asked is\n`,
    ]);
  });
});

describe('describe an object of a cluster', () => {
  it.each([
    [clusterContainer('nginx_web_1'), 'swarm-node-2, bound to it by the leader'],
    [
      clusterContainer('nginx_web_1', { by: 'pinned', node: 'swarm-node-1' }),
      'swarm-node-1, pinned to it by its constraint',
    ],
    [clusterContainer('other', { by: 'unplaced' }), 'not known to the cluster'],
  ])('says which node has it: %#', async (row, line) => {
    stage.agent.view = clusterView({ containers: [row] });
    expect((await stage.run('describe c nginx_web_1')).stdout).toContain(`Node:        ${line}\n`);
  });

  it('says none, or that it cannot be read', async () => {
    const condition = { type: 'Unschedulable', message: '1 node: port 80 taken' } as const;
    stage.agent.view = clusterView({
      containers: [{ key: 'Container/nginx_web_1', by: 'unplaced', condition }],
    });
    expect((await stage.run('describe c nginx_web_1')).stdout).toContain(
      'Node:        none: 1 node: port 80 taken\n',
    );
    stage.agent.failure = away;
    const ran = await stage.run('describe c nginx_web_1');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/Node: +not known: ZooKeeper does not answer\n/);
  });

  it('adds it to the data', async () => {
    for (const verb of ['describe', 'explain']) {
      const { stdout } = await stage.run(`${verb} c nginx_web_1 -o json`);
      const placement = clusterContainer('nginx_web_1', { node: 'swarm-node-1', by: 'pinned' });
      expect(JSON.parse(stdout)).toEqual({ ...container(), placement });
    }
    expect(JSON.parse((await stage.run('describe net ovr0 -o json')).stdout)).toEqual(network());
  });
});

describe('explain', () => {
  /** The paragraph about the node, of a container with this condition here. */
  async function told(
    condition: Pick<ObjectStatus['condition'], 'type' | 'message'>,
    row?: Partial<ReturnType<typeof clusterContainer>>,
  ): Promise<string> {
    if (row) {
      stage.agent.view = clusterView({ containers: [{ ...clusterContainer('nginx_web_1'), ...row }] });
    }
    stage.agent.set({ objects: [fakeObject({ condition: { ...condition, sinceMs: stage.ago(5) } })] });
    const { stdout } = await stage.run('explain c nginx_web_1');
    return stdout.split('\n\n')[2] ?? '';
  }
  const ready = { type: 'Ready', message: 'runs as declared' } as const;
  const notHere = { type: 'NotHere', message: 'bound to another node' } as const;

  it('tells who bound it here', async () => {
    expect(await told(ready, { node: 'swarm-node-1' })).toBe(
      'The leader (swarm-node-2, epoch 4) bound it to this node.',
    );
    stage.agent.set({ coordinator: sharedStatus({ isLeader: true, leader: 'swarm-node-1' }) });
    expect(await told(ready, { node: 'swarm-node-1' })).toBe(
      'The leader (swarm-node-1, this node, epoch 4) bound it to this node.',
    );
  });

  it('tells that nobody chose', async () => {
    expect(await told(ready, { node: 'swarm-node-1', by: 'pinned' })).toBe(
      'Its constraint names this node, so no leader chooses one.',
    );
  });

  it('tells where it has moved', async () => {
    expect(await told(notHere, {})).toBe(
      'The leader (swarm-node-2, epoch 4) bound it to node swarm-node-2. There it is Ready: as declared. ovr explain on swarm-node-2 tells its story.',
    );
  });

  it.each([
    [{ node: 'swarm-node-3' }, 'That node is away: how it is there is not known.'],
    [
      { node: 'swarm-node-7', by: 'pinned' as const },
      'Its constraint names node swarm-node-7, so no leader chooses one. No node of that name is a member: start its agent, or change the constraint.',
    ],
  ])('tells of a node that is not there: %j', async (row, sentence) => {
    expect(await told(notHere, row)).toContain(sentence);
  });

  it('tells what each group of nodes has against it', async () => {
    const message = '3 nodes: constraint storage==ssd; 1 node: port 8001 taken';
    const condition = { type: 'Unschedulable', message } as const;
    stage.agent.view = clusterView({
      containers: [{ key: 'Container/nginx_web_1', by: 'unplaced', condition }],
    });
    expect(await told(condition)).toBe(
      `No node runs it: the leader (swarm-node-2, epoch 4) has found none that can.
  3 nodes: constraint storage==ssd
  1 node: port 8001 taken`,
    );
  });

  it('tells that the leader has other manifests', async () => {
    const waits = { type: 'Waiting', message: 'waits for the leader to place it' } as const;
    const leader = clusterNode('swarm-node-2', { isLeader: true, revision: '0123456789abcdef' });
    stage.agent.view = clusterView({
      nodes: [leader],
      containers: [{ key: 'Container/nginx_web_1', by: 'unplaced', condition: waits }],
    });
    expect(await told(waits)).toBe(
      `No node has it: waits for the leader to place it.
The leader, swarm-node-2, has other manifests (revision 0123456789ab) than this node (revision abcdef012345), and decides only on its own: bring both to the same.`,
    );
  });

  it('tells why it is fenced, also without the coordinator', async () => {
    const message = 'no connection to the coordinator (10.6.17.12:2181 refused); trying again';
    stage.agent.set({ coordinator: sharedStatus({ connected: false, leaseHeld: false, message }) });
    stage.agent.failure = away;
    const fenced = { type: 'Fenced', message: 'stopped, because another node may run it' } as const;
    expect(await told(fenced)).toBe(
      `This node has been without a session for too long, and the leader (swarm-node-2, epoch 4) may have another node run it. So it is stopped here and kept. With the session it starts again, or goes if it has moved. Now: ${message}.
Which node it belongs to cannot be read now: ZooKeeper does not answer`,
    );
  });

  it('says nothing of nodes about a network', async () => {
    expect((await stage.run('explain net ovr0')).stdout).not.toContain('leader');
  });
});

describe('status', () => {
  it('shows how the agent stands with the others', async () => {
    const { stdout } = await stage.run('status');
    expect(stdout).toContain(`Coordinator:   zookeeper, connected
Session:       lease held; since the start 0 expired, 2 broke off
Leader:        swarm-node-2, epoch 4
Members:       2: swarm-node-1, swarm-node-2
Bound here:    1 container
`);
    expect(stdout).not.toContain('Problems');
  });

  it('lists what is wrong between them', async () => {
    const names = Array.from({ length: 11 }, (_, index) => `n${index}`);
    const coordinator = leaderlessStatus({
      epoch: 0,
      members: names,
      otherRevisions: ['n3', 'n4'],
      leaseHeld: false,
      unplaced: 2,
    });
    stage.agent.set({ coordinator });
    const { stdout } = await stage.run('status');
    expect(stdout).toContain('Leader:        none known\n');
    expect(stdout).toContain('Members:       11: n0, n1, n2, n3, n4, n5, n6, n7 and 3 more\n');
    expect(stdout).toContain(`Problems:
  the cluster has no leader: nothing is placed or moved until it has
  on-node-failure containers wait here until their bindings have been read
  other manifests than here on 2 nodes: n3, n4
  2 containers without a node: ovr get containers shows which, ovr explain container NAME why
`);
  });

  it('tells of what is wrong once', async () => {
    const message =
      'node name n1 is taken by the agent at 10.6.17.12 (ovr 0.1.0): give each agent its own --node-name';
    stage.agent.set({ coordinator: leaderlessStatus({ message }) });
    expect((await stage.run('status')).stdout).toMatch(/Problems:\n {2}node name n1 is taken[^\n]*\n$/);
  });

  it('says that the leader has other manifests', async () => {
    stage.agent.set({ coordinator: sharedStatus({ otherRevisions: ['swarm-node-2'] }) });
    expect((await stage.run('status')).stdout).toContain(
      'other manifests than here on 1 node: swarm-node-2, the leader among them: what it decides does not reach this node\n',
    );
  });

  it('says who leads', async () => {
    stage.agent.set({ coordinator: sharedStatus({ isLeader: true, leader: 'swarm-node-1' }) });
    expect((await stage.run('status')).stdout).toContain('Leader:        this node, epoch 4\n');
    const message = 'connecting to the coordinator';
    stage.agent.set({
      coordinator: sharedStatus({ connected: false, leaseHeld: false, members: [], message }),
    });
    const { stdout } = await stage.run('status');
    expect(stdout).toContain('Coordinator:   zookeeper, not connected\n');
    expect(stdout).toContain('Members:       none known\n');
    expect(stdout).toContain('Session:       lease lost; ');
    expect(stdout).toContain('Leader:        swarm-node-2, epoch 4, when last heard of\n');
    expect(stdout).toContain(`Problems:
  connecting to the coordinator
  on-node-failure containers are stopped here: other nodes may run them
`);
  });
});
