import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { AgentStatus, ObjectStatus } from '../../../pkg/reconcile/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { container, drifted, network } from '../../../test/build/statuses.ts';
import { fakeObject } from '../../../test/build/fake-agent.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

describe('describe', () => {
  it('shows everything about a container', async () => {
    stage.agent.set({ objects: [drifted()] });
    expect((await stage.run('describe container nginx_web_1')).stdout).toBe(`Name:        nginx_web_1
Kind:        Container
Declared:    /etc/ovr.d/nginx.yaml:7
Mode:        enforce
Condition:   Waiting for 1m5s
Message:     tries again soon
Next try:    in 4s

In the engine:
  ID:        ${'b'.repeat(64)}
  Created:   2025-12-31T23:00:00Z
  Image:     nginx:1.27
  State:     running
  Health:    healthy

Endpoints:
  NETWORK   ADDRESS    ALIASES
  ovr0      10.0.9.2   nginx,web

Differences:
  networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)

Last steps:
  WHEN     STEP                 RESULT   TOOK   BECAUSE
  5s ago   DisconnectEndpoint   ok       40ms   networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)
  5s ago   ConnectEndpoint      failed   12ms   the address 10.0.9.2 is in use: free it
`);
  });

  it('shows a network, and what is nowhere', async () => {
    const lost = fakeObject({ key: 'Container/x1', name: 'x1' });
    stage.agent.set({ objects: [network(), lost] });
    expect((await stage.run('describe net/ovr0')).stdout).toMatch(
      /In the engine:\n {2}ID: .*\n.*\n {2}Driver: +overlay\n/,
    );
    const { stdout } = await stage.run('describe c x1');
    expect(stdout).toContain('Declared:    by no manifest\n');
    expect(stdout).toContain('In the engine:\n  nothing\n');
    expect(stdout).toContain('Differences:\n  none\n');
    expect(stdout).toContain('Last steps:\n  none since the agent started\n');
  });

  it('prints data', async () => {
    stage.agent.set({ objects: [network()] });
    expect(JSON.parse((await stage.run('describe net ovr0 -o json')).stdout)).toEqual(network());
  });

  it.each([
    [
      'explain node n1',
      'ovr: explain takes a network, a container or an alias: for a node see ovr describe node n1\n',
    ],
    [
      'describe node',
      'ovr: the name is missing: write ovr describe node NAME; ovr get node lists the names\n',
    ],
    ['explain net', 'ovr: the name is missing: write ovr explain net NAME; ovr get net lists the names\n'],
  ])('%s is a mistake', async (line, stderr) => {
    expect(await stage.run(line)).toEqual({ code: 2, stdout: '', stderr });
  });
});

describe('explain', () => {
  it('tells the story', async () => {
    stage.agent.set({ objects: [drifted()] });
    expect((await stage.run('explain c/nginx_web_1')).stdout)
      .toBe(`Container/nginx_web_1 is Waiting for 1m5s now: tries again soon
Something else must happen first; ovr tries again by itself.

/etc/ovr.d/nginx.yaml:7 declares it. On node swarm-node-1 its mode is enforce.

What differs, and how the engine has it → how it should be:
  networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)
    Its names on the network are not the declared ones. No manifest change explains it: somebody or something else did it.

What was done, newest last:
  5s ago: DisconnectEndpoint, ok in 40ms
    because networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)
  5s ago: ConnectEndpoint, failed in 12ms
    because networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)
    address-in-use: the address 10.0.9.2 is in use: free it

The next try is in 4s.
`);
  });

  it('tells a short story where nothing happened', async () => {
    stage.agent.set({ mode: 'observe', objects: [container()] });
    expect((await stage.run('explain c nginx_web_1')).stdout)
      .toBe(`Container/nginx_web_1 is Ready for 30s now: runs as declared
It is as its manifest says.

/etc/ovr.d/nginx.yaml:7 declares it. On node swarm-node-1 its mode is observe (the agent’s).

Nothing differs from the manifest.

Nothing was done about it since the agent started.
`);
  });

  it.each<[string, Partial<AgentStatus>, Partial<ObjectStatus>, string]>([
    [
      'an engine that is away',
      { engine: { up: false, message: 'refused' } },
      {},
      'The engine does not answer, so nothing happens until it does: refused',
    ],
    [
      'a removal that is held',
      { prune: { held: true, reason: '5 of 6 would go', keys: [] } },
      { condition: { type: 'PruneHeld', message: 'held', sinceMs: 0 } },
      '5 of 6 would go: ovr prune --confirm lets the removals go ahead.',
    ],
  ])('tells of %s', async (_name, status, change, sentence) => {
    stage.agent.set({ ...status, objects: [fakeObject(change)] });
    const { stdout } = await stage.run('explain c nginx_web_1');
    expect(stdout).toContain(`\n\n${sentence}\n`);
    expect(stdout).toContain('No manifest declares it.');
  });
});
