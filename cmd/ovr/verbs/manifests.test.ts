import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Diagnostic } from '../../../pkg/api/index.ts';
import type { Revision } from '../../../pkg/manifest/index.ts';
import type { ActionRecord, ObjectStatus } from '../../../pkg/reconcile/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import { aliasDrift, container, drifted } from '../../../test/build/statuses.ts';
import type { Local } from '../local.ts';

let stage: CliStage;
beforeEach(async () => {
  stage = await createCliStage();
});
afterEach(() => stage.close());

const revision: Revision = { digest: 'd', objects: new Map(), undecided: new Set() };
const mistake: Diagnostic = {
  code: 'unknown-key',
  severity: 'error',
  file: 'web.yaml',
  line: 3,
  column: 5,
  message: 'unknown key "imag": did you mean "image"?',
};
const warning: Diagnostic = { ...mistake, severity: 'warning', code: 'latest-tag', line: 9 };

function reading(...diagnostics: Diagnostic[]): Pick<Local, 'readManifests'> {
  return { readManifests: () => Promise.resolve({ files: [], revision, diagnostics }) };
}

describe('validate', () => {
  it('prints every mistake and ends with 1', async () => {
    const ran = await stage.run('validate web.yaml', { local: reading(mistake, warning) });
    expect(ran).toEqual({
      code: 1,
      stderr: '',
      stdout:
        'web.yaml:3:5: error unknown-key: unknown key "imag": did you mean "image"?\n' +
        'web.yaml:9:5: warning latest-tag: unknown key "imag": did you mean "image"?\n' +
        '0 objects, 1 error, 1 warning\n',
    });
  });

  it('ends with 0 where there are only warnings', async () => {
    expect((await stage.run('validate a b', { local: reading(warning) })).code).toBe(0);
  });

  it('prints data', async () => {
    const { code, stdout } = await stage.run('validate a -o json', { local: reading(mistake) });
    const expected = { objects: 0, errors: 1, warnings: 0, diagnostics: [mistake] };
    expect([code, JSON.parse(stdout)]).toEqual([1, expected]);
  });

  it('colours the severity alone', async () => {
    const { stdout } = await stage.run('validate a', { local: reading(mistake), isTty: true });
    expect(stdout).toContain('web.yaml:3:5: \u001b[31merror\u001b[39m unknown-key: ');
  });

  it('asks nobody', async () => {
    await stage.stopAgent();
    const env = { OVR_NONSENSE: '1' };
    expect((await stage.run('validate a', { local: reading(), env })).code).toBe(0);
  });
});

describe('variables', () => {
  const line = '--var A=1 -o json --var-file x.vars';

  it.each(['validate a', 'diff -f a', 'apply -f a --force'])('reach ovr %s', async (verb) => {
    const asked: unknown[] = [];
    const local: Partial<Local> = {
      readManifests: (_paths, options) => {
        asked.push(options?.variables);
        return Promise.resolve({ files: [], revision, diagnostics: [] });
      },
      diff: () => Promise.resolve([]),
      apply: () => Promise.resolve({ converged: true, statuses: [] }),
    };
    await stage.run(`${verb} ${line}`, { local, env: { OVR_VAR_FILE: 'y.vars' } });
    expect(asked).toEqual([{ values: { A: '1' }, files: ['x.vars'] }]);
  });

  it('with a mistake end with 2', async () => {
    const { code, stderr } = await stage.run('validate a --var A', { local: reading() });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^ovr: --var: "…" is not valid: /)]);
  });
});

describe('--recursive', () => {
  it.each([
    ['validate a', false],
    ['validate -R a', true],
    ['diff -f a', false],
    ['diff -R -f a', true],
    ['apply -R -f a --force', true],
  ])('of ovr %s: %s', async (line, expected) => {
    const asked: unknown[] = [];
    const local: Partial<Local> = {
      readManifests: (paths, options) => {
        asked.push(paths, options?.recursive);
        return Promise.resolve({ files: [], revision, diagnostics: [] });
      },
      diff: () => Promise.resolve([]),
      apply: () => Promise.resolve({ converged: true, statuses: [] }),
    };
    await stage.run(line, { local });
    expect(asked).toEqual([['a'], expected]);
  });
});

describe('schema', () => {
  it.each([
    ['schema', '{\n  "type": "object"\n}\n'],
    ['schema -o yaml', 'type: object\n'],
  ])('%s prints it', async (line, stdout) => {
    const local = { jsonSchema: () => Promise.resolve({ type: 'object' }) };
    expect(await stage.run(line, { local })).toEqual({ code: 0, stderr: '', stdout });
  });
});

describe('diff -f', () => {
  it('compares without an agent, with the settings of its flags', async () => {
    await stage.stopAgent();
    const calls: unknown[] = [];
    const local: Partial<Local> = {
      readManifests: (paths) => {
        calls.push(paths);
        return Promise.resolve({ files: [], revision, diagnostics: [warning] });
      },
      diff: (options) => {
        calls.push(options);
        return Promise.resolve([]);
      },
    };
    const line = 'diff -f a --filename b --node-name n1 --docker-host tcp://h:1 --engine memory';
    const { code, stderr } = await stage.run(line, { local });
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^web\.yaml:9:5: warning /)]);
    expect(calls).toEqual([
      ['a', 'b'],
      {
        revision,
        config: expect.objectContaining({
          docker: { host: 'tcp://h:1' },
          nodeName: 'n1',
          engine: 'memory',
        }) as unknown,
      },
    ]);
  });

  it('ends with 2 on manifests with mistakes', async () => {
    expect(await stage.run('diff -f web.yaml', { local: reading(mistake) })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'web.yaml:3:5: error unknown-key: unknown key "imag": did you mean "image"?\n' +
        'ovr: the manifests have 1 error: mend them first\n',
    });
  });
});

describe('apply -f', () => {
  const record: ActionRecord = {
    timeMs: 0,
    key: 'Container/nginx_web_1',
    action: 'ConnectEndpoint',
    cause: aliasDrift,
    result: 'ok',
    durationMs: 12,
  };

  function applying(converged: boolean, ...statuses: ObjectStatus[]): Partial<Local> {
    return {
      ...reading(),
      apply: (_options, onProgress) => {
        stage.clock.advance(1200);
        onProgress(record);
        const error = { code: 'address-in-use', message: 'free the address' };
        if (!converged) onProgress({ ...record, result: 'failed', error });
        return Promise.resolve({ converged, statuses });
      },
    };
  }

  it('shows progress and ends with 0', async () => {
    await stage.stopAgent();
    expect(await stage.run('apply -f a', { local: applying(true, container()) })).toEqual({
      code: 0,
      stderr: '',
      stdout:
        '  1.2s  Container/nginx_web_1  ConnectEndpoint ok in 12ms: networks[ovr0].aliases: [] → [nginx] (AliasesDiffer, drift)\n' +
        '1 object, 1 step done: all as declared\n',
    });
  });

  it('shows what is left and ends with 1', async () => {
    await stage.stopAgent();
    const { code, stdout } = await stage.run('apply -f a', {
      local: applying(false, container(), drifted()),
    });
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(1)).toEqual([
      '  1.2s  Container/nginx_web_1  ConnectEndpoint failed in 12ms: free the address',
      'OBJECT                  CONDITION   MESSAGE',
      'Container/nginx_web_1   Waiting     tries again soon',
      '2 objects, 2 steps done: not converged: mend what is listed and apply again',
      '',
    ]);
  });

  it('keeps progress off stdout when data is asked for', async () => {
    await stage.stopAgent();
    const { stdout, stderr } = await stage.run('apply -f a -o json', { local: applying(true, container()) });
    expect(JSON.parse(stdout)).toEqual({ converged: true, objects: [container()], actions: [record] });
    expect(stderr).toContain('ConnectEndpoint ok');
  });

  it('refuses beside an agent of the same cluster', async () => {
    const ran = await stage.run('apply -f a', { local: reading() });
    expect(ran).toEqual({
      code: 1,
      stdout: '',
      stderr: `ovr: an agent runs here (${stage.socketPath}) and would remove what its own manifests do not hold: put the manifests into its folder, or use --force\n`,
    });
  });

  it.each(['apply -f a --force', 'apply -f a --cluster other'])('%s goes ahead beside it', async (line) => {
    expect((await stage.run(line, { local: applying(true) })).code).toBe(0);
  });

  it('says so when nothing could be looked at', async () => {
    await stage.stopAgent();
    const local = { ...reading(), apply: () => Promise.resolve({ converged: false, statuses: [] }) };
    expect(await stage.run('apply -f a', { local })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'ovr: the engine was not read, so nothing was done: ovr diff -f with the same flags tells why\n',
    });
  });

  it('does nothing with manifests that have mistakes', async () => {
    await stage.stopAgent();
    expect(await stage.run('apply -f a', { local: reading(mistake) })).toMatchObject({ code: 1, stdout: '' });
  });
});
