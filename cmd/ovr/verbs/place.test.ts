import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { assemble, parseManifest } from '../../../pkg/manifest/index.ts';
import { STRATEGIES } from '../../../pkg/placement/index.ts';
import { createCliStage, type CliStage } from '../../../test/build/cli.ts';
import type { Local } from '../local.ts';
import { createProgram } from '../program.ts';

/** Reads one file, without the worker that costs a start each time. */
const local: Pick<Local, 'readManifests'> = {
  readManifests: async ([path = '']) => {
    const file = 'm.yaml';
    const parsed = parseManifest(await readFile(path, 'utf8'), file);
    const { revision, diagnostics } = assemble([{ file, ...parsed }]);
    return { files: [file], revision, diagnostics: [...parsed.diagnostics, ...diagnostics] };
  },
};

let stage: CliStage;
let folder: string;
beforeEach(async () => {
  stage = await createCliStage();
  folder = await mkdtemp(join(tmpdir(), 'ovr-place-'));
});
afterEach(async () => {
  await stage.close();
  await rm(folder, { recursive: true });
});

type Ran = Awaited<ReturnType<CliStage['run']>>;

interface Given {
  /** Specs by container name, besides the image. */
  readonly containers?: Readonly<Record<string, object>>;
  readonly nodes?: string;
  readonly current?: string;
}

const NODES = `
- {name: n2, labels: {storage: ssd}, cpus: 2}
- {name: n1, labels: {storage: hdd}, cpus: 2}
`;

/** Runs `ovr place` in a folder with these files; the name of the folder is left out of what it says. */
async function place(flags: string, given: Given = {}): Promise<Ran> {
  const { containers = { web: {} }, nodes = NODES, current } = given;
  const manifests = Object.entries(containers).map(([name, spec]) =>
    JSON.stringify({
      apiVersion: 'ovr/v1',
      kind: 'Container',
      metadata: { name },
      spec: { image: 'a:1', ...spec },
    }),
  );
  await writeFile(join(folder, 'm.yaml'), manifests.join('\n---\n'));
  await writeFile(join(folder, 'nodes'), nodes);
  if (current !== undefined) await writeFile(join(folder, 'current'), current);
  const files = `-f ${folder}/m.yaml --nodes ${folder}/nodes${current === undefined ? '' : ` --current ${folder}/current`}`;
  const ran = await stage.run(`place ${files} ${flags}`.trim(), { local });
  return { ...ran, stderr: ran.stderr.replaceAll(`${folder}/`, '') };
}

const storage = (value: string): object => ({ nodeConstraint: `storage==${value}` });

describe('place', () => {
  it('prints who goes where, and asks nobody', async () => {
    await stage.stopAgent();
    const containers = { web: {}, db: storage('ssd'), api: { nodeConstraint: 'node==n1' } };
    expect(await place('', { containers })).toEqual({
      code: 0,
      stderr: '',
      stdout: `CONTAINER   NODE
api         n1
db          n2
web         n1

3 placed, 0 unplaced
`,
    });
  });

  it('prints who has no node, and ends with 1', async () => {
    const containers = { web: {}, db: storage('tape'), api: { nodeConstraint: 'node==n9' } };
    const { code, stdout } = await place('-o wide', { containers });
    expect([code, stdout]).toEqual([
      1,
      `CONTAINER   NODE   CANDIDATES
web         n1     n1,n2

UNPLACED   REASON
api        no member is named n9
db         2 nodes: constraint storage==tape

1 placed, 2 unplaced
`,
    ]);
  });

  it.each([
    ['json', (text: string): unknown => JSON.parse(text)],
    ['yaml', (text: string): unknown => parse(text)],
  ])('prints data as %s', async (format, read) => {
    const cpu = { resources: { requests: { cpu: '1.5' } } };
    const containers = {
      cc: cpu,
      bb: cpu,
      aa: cpu,
      pp: { nodeConstraint: 'node==n2', ...cpu },
      ss: storage('ssd'),
    };
    const { code, stdout } = await place(`-o ${format}`, { containers });
    expect(code).toBe(1);
    expect(read(stdout)).toEqual({
      placements: [
        { container: 'aa', node: 'n1', candidates: ['n1'] },
        { container: 'pp', node: 'n2', candidates: ['n2'] },
        { container: 'ss', node: 'n2', candidates: ['n2'] },
      ],
      unplaced: [
        { container: 'bb', reason: '2 nodes: less than 1.5 CPU free' },
        { container: 'cc', reason: '2 nodes: less than 1.5 CPU free' },
      ],
    });
  });

  it('sees labels as node labels and as engine labels', async () => {
    const constraints = ['storage==ssd', 'node.labels.storage==ssd', 'engine.labels.storage==ssd'];
    const { stdout } = await place('', { containers: { web: { nodeConstraint: constraints } } });
    expect(stdout).toContain('web         n2\n');
  });

  it('takes every field of a node', async () => {
    const node = {
      ...{ name: 'n1', labels: { rack: 'b' }, cpus: 0.5, memoryBytes: 1024, os: 'linux', arch: 'x86_64' },
      ...{ role: 'manager', ip: '10.0.0.1', id: 'AB:CD' },
    };
    const nodeConstraint = [
      ...['node==AB:CD', 'node.role==manager', 'node.ip==10.0.0.0/8', 'node.platform.os==linux'],
      ...['node.platform.arch==x86_64', 'rack==b'],
    ];
    const resources = { requests: { cpu: '0.5', memory: '1024' } };
    const ran = await place('', {
      containers: { web: { nodeConstraint, resources } },
      nodes: JSON.stringify([node]),
    });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });

  it('spreads, or fills one node after the other', async () => {
    const containers = { aa: {}, bb: {} };
    const nodesOf = async (flags: string): Promise<string[]> =>
      (await place(flags, { containers })).stdout.match(/n\d$/gm) ?? [];
    expect(await nodesOf('')).toEqual(['n1', 'n2']);
    expect(await nodesOf('--strategy binpack')).toEqual(['n1', 'n1']);
  });

  it('knows all strategies', () => {
    const { program } = createProgram(() => Promise.resolve());
    const verb = program.commands.find((each) => each.name() === 'place');
    expect(verb?.options.find(({ long }) => long === '--strategy')?.argChoices).toEqual(STRATEGIES);
  });
});

describe('place --current', () => {
  const containers = { aa: {}, bb: {}, cc: { reschedule: 'on-node-failure' } };

  it('moves nothing that it has placed itself', async () => {
    const { stdout } = await place('-o json', { containers });
    const again = await place('-o json', { containers, current: stdout, nodes: `${NODES}- {name: n0}` });
    const nodesOf = (text: string): unknown =>
      (JSON.parse(text) as { placements: { node: string }[] }).placements.map(({ node }) => node);
    expect(nodesOf(again.stdout)).toEqual(nodesOf(stdout));
  });

  it('takes nodes that are not listed for lost', async () => {
    const { stdout } = await place('', { containers, current: '{aa: gone, bb: n2, cc: gone}' });
    expect(stdout).toMatch(/^aa +gone\nbb +n2\ncc +n1$/m);
  });

  it.each(['[a]', 'a: [n1]', '{"placements": [{"container": "a"}]}', '{"placements": [1]}'])(
    'refuses %s',
    async (current) => {
      expect(await place('', { current })).toEqual({
        code: 2,
        stdout: '',
        stderr:
          'ovr: current: must be what ovr place -o json prints, or a map of containers to nodes such as {web_1: n1}\n',
      });
    },
  );
});

describe('place with mistakes in the nodes', () => {
  it.each([
    ['name: n1', 'must hold a list of nodes, for example [{name: n1, labels: {storage: ssd}, cpus: 4}]'],
    ['', 'must hold a list of nodes, for example [{name: n1, labels: {storage: ssd}, cpus: 4}]'],
    ['- n1', 'node 1: must be a map, as in [{name: n1, labels: {storage: ssd}, cpus: 4}]'],
    ['- {cpus: 1}', 'node 1: has no name'],
    ['- {name: _a}', 'node 1: name: must be letters, digits, "_", "." and "-", with a letter or digit first'],
    ['- {name: a}\n- {name: a}', 'node 2: the name a is here twice'],
    ['- {name: a, label: {a: b}}', 'node 1: label: is not a key (did you mean "labels"?)'],
    ['- {name: a, memory: 1}', 'node 1: memory: is not a key'],
    ['- {name: a, constructor: 1}', 'node 1: constructor: is not a key'],
    [
      '- {name: a, labels: {rack: 1}}',
      'node 1: labels: must be a map of texts, for example {storage: ssd}; numbers need quotes',
    ],
    ['- {name: a, cpus: "4"}', 'node 1: cpus: must be a number of cores, for example 4 or 0.5'],
    ['- {name: a, cpus: -1}', 'node 1: cpus: must be a number of cores, for example 4 or 0.5'],
    [
      '- {name: a, memoryBytes: 8Gi}',
      'node 1: memoryBytes: must be a whole number of bytes, for example 8589934592',
    ],
    ['- {name: a, role: boss}', 'node 1: role: must be manager or worker'],
    ['- {name: a, ip: here}', 'node 1: ip: must be an address'],
    ['- {name: a, os: null}', 'node 1: os: must be a text'],
  ])('%s: %s', async (nodes, message) => {
    expect(await place('', { nodes })).toEqual({ code: 2, stdout: '', stderr: `ovr: nodes: ${message}\n` });
  });

  it('tells them all', async () => {
    const { stderr } = await place('', { nodes: '- {nam: a}\n- {name: b, cpu: 1}' });
    expect(stderr.split('\n')).toEqual([
      'ovr: nodes: node 1: has no name',
      'ovr: nodes: node 1: nam: is not a key (did you mean "name"?)',
      'ovr: nodes: node 2: cpu: is not a key (did you mean "cpus"?)',
      '',
    ]);
  });

  it('tells where a file is not valid, or that it is not there', async () => {
    expect((await place('', { nodes: '- {name: a}\n- {name: ]' })).stderr).toMatch(
      /^ovr: nodes:2: is not valid JSON or YAML: /,
    );
    const { code, stderr } = await stage.run(`place -f ${folder} --nodes ${folder}/none`, { local });
    expect([code, stderr]).toEqual([2, `ovr: ${folder}/none: cannot be read (ENOENT)\n`]);
  });

  it('ends with 2 on manifests with mistakes, and without its flags', async () => {
    const ran = await place('', { containers: { web: { nodeConstraint: 'node=n1' } } });
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain('ovr: the manifests have 1 error: mend them first\n');
    expect((await stage.run('place -f a')).code).toBe(2);
  });
});
