import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { fakeObject } from '../../../test/build/fake-agent.ts';
import { OvrError } from '../../../pkg/api/index.ts';
import type { HoldStatus } from '../../../pkg/reconcile/index.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

function hold(change: Partial<HoldStatus> = {}): HoldStatus {
  return {
    id: 'suspend/Container/web',
    kind: 'suspend',
    who: 'ann@web1',
    whenMs: stage.ago(300),
    what: '{}',
    says: 'stays as it is',
    release: 'ovr resume container web',
    ...change,
  };
}

function everything(change: Partial<HoldStatus> = {}): HoldStatus {
  return hold({ id: 'suspend', release: 'ovr resume --all', ...change });
}

describe('suspend', () => {
  it('names the object in any of its forms, and says how to go on', async () => {
    stage.agent.suspended = { hold: hold() };
    for (const line of ['suspend container web', 'suspend c/web', 'suspend Containers web']) {
      expect(await stage.run(line)).toEqual({
        code: 0,
        stderr: '',
        stdout: 'Container web is suspended until ovr resume container web\n',
      });
      expect(stage.agent.asked).toEqual({ target: 'Container/web', who: 'ann@web1' });
    }
    expect(JSON.parse((await stage.run('suspend c web -o json')).stdout)).toEqual(stage.agent.suspended);
  });

  it('takes everything, a while and a note, and tells whose place it takes', async () => {
    const whenMs = stage.ago(0);
    const before = everything({ who: 'bob@web2', note: 'lunch' });
    stage.agent.suspended = { hold: everything({ whenMs, untilMs: whenMs + 600_000 }), before };
    const { stdout } = await stage.run('suspend --all --for 10m --note disk');
    expect(stage.agent.asked).toEqual({ target: 'all', forMs: 600_000, note: 'disk', who: 'ann@web1' });
    expect(stdout).toBe(
      'everything is suspended for 10m, or until ovr resume --all; takes the place of a suspension by bob@web2 5m ago (lunch)\n',
    );
  });

  it('twice is no failure', async () => {
    stage.agent.suspended = { hold: hold(), before: hold() };
    expect(await stage.run('suspend c web')).toMatchObject({
      code: 0,
      stdout: 'Container web is suspended already, by ann@web1 5m ago: until ovr resume container web\n',
    });
  });

  it.each([
    ['suspend', 'ovr: write ovr suspend KIND NAME, or ovr suspend --all\n'],
    ['suspend container', 'the name is missing: write ovr suspend container NAME'],
    ['suspend contaner web', '"contaner" is not a kind (did you mean "containers"?)'],
    ['suspend node n1', 'suspend takes a network, a container or an alias'],
    ['suspend c web --all', 'write ovr suspend --all, or without it ovr suspend KIND NAME'],
    ['resume c web --all', 'write ovr resume --all, or without it ovr resume KIND NAME'],
    ['suspend c web --for soon', '--for "soon" is not a duration'],
  ])('%s is refused with the mend', async (line, message) => {
    const { code, stderr } = await stage.run(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('passes on what the agent refuses', async () => {
    stage.agent.failure = new OvrError('invalid-request', 'invalid', 'there is no Container wbe');
    expect(await stage.run('suspend c wbe')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no Container wbe') as string,
    });
  });
});

describe('resume', () => {
  it('says what is over, and what stays', async () => {
    stage.agent.released = { released: [hold({ note: 'disk' })], remaining: everything() };
    expect((await stage.run('resume c web')).stdout).toBe(
      'the suspension of Container web by ann@web1 5m ago (disk) is over\n' +
        'Container web stays suspended, as everything is, by ann@web1 5m ago: ovr resume --all ends that\n',
    );
    expect(stage.agent.asked).toBe('Container/web');
    stage.agent.released = { released: [everything(), hold()] };
    expect((await stage.run('resume --all')).stdout).toBe(
      'the suspension of everything by ann@web1 5m ago is over\n' +
        'the suspension of Container web by ann@web1 5m ago is over\n',
    );
  });

  it('of what is not suspended is no failure', async () => {
    expect(await stage.run('resume c web')).toMatchObject({
      code: 0,
      stdout: 'Container web is not suspended by itself\n',
    });
    expect(await stage.run('resume --all')).toMatchObject({ code: 0, stdout: 'nothing is suspended\n' });
  });

  it('alone is about rollbacks, and tells of suspensions where there is none', async () => {
    stage.agent.set({ holds: [everything()] });
    expect((await stage.run('resume')).stdout).toBe(
      'no rollback is in force: nothing is pinned; the source was not read yet\n' +
        'to end a suspension: ovr resume --all\n',
    );
  });
});

describe('what is suspended', () => {
  it('is shown by status, describe, explain and get', async () => {
    const condition = {
      type: 'Suspended',
      message: 'by ann@web1; as declared: running',
      sinceMs: 0,
    } as const;
    const suspended = hold({ note: 'disk' });
    stage.agent.set({ objects: [fakeObject({ condition, suspended })], holds: [suspended] });
    const { stdout: status } = await stage.run('status');
    expect(status).toContain(
      'suspend/Container/web: stays as it is, by ann@web1 5m ago, until released (disk): ovr resume container web ends it',
    );
    expect(status).toContain('1 Suspended');
    expect(status).not.toContain('OBJECT');
    const line = 'by ann@web1 5m ago (disk): ovr resume container web ends it';
    expect((await stage.run('describe c nginx_web_1')).stdout).toContain(line);
    const { stdout: explained } = await stage.run('explain c nginx_web_1');
    expect(explained).toContain(`It is suspended ${line}. Until then nothing of it is changed`);
    expect((await stage.run('get containers')).stdout).toMatch(/nginx_web_1 +Suspended/);
  });

  it('is listed by status where it differs', async () => {
    const condition = { type: 'Suspended', message: 'by ann; differs: state', sinceMs: 0 } as const;
    const cause = {
      reason: 'NotRunning',
      drift: true,
      field: 'state',
      observed: 'exited',
      desired: 'running',
    } as const;
    stage.agent.set({ objects: [fakeObject({ condition, causes: [cause] })] });
    expect((await stage.run('status')).stdout).toContain('by ann; differs: state');
  });
});
