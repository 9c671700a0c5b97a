import { describe, expect, it } from 'vitest';
import { alias, container, attach, revision } from '../../test/build/objects.ts';
import { containerOf, facts, networkOf } from '../../test/build/observed.ts';
import { network } from '../../test/build/objects.ts';
import {
  assembleReport,
  judge,
  makeErrand,
  takeCensus,
  type Census,
  type CensusEndpoint,
  type CensusNetwork,
  type ErrandNetwork,
  type Findings,
  type Gathered,
  type NetworkFindings,
} from './index.ts';

const OVERLAY = { id: 'n-ovr0', name: 'ovr0', driver: 'overlay', scope: 'global' } as const;

/** `web@.2: web nginx` is a container with its address and names; names after `!` are declared and lacking. */
function endpoint(text: string, networks: readonly string[] = [OVERLAY.id]): CensusEndpoint {
  const [, name = '', host = '', names = ''] = /^(\S+)@\.(\d+):(.*)$/.exec(text) ?? [];
  const [own = '', lacking = ''] = names.split('!');
  const words = (part: string): string[] => part.split(' ').filter((word) => word !== '');
  return {
    id: `id-${name}`,
    container: name,
    address: `10.0.9.${host}`,
    names: words(own),
    lacking: words(lacking),
    networks,
  };
}

function census(node: string, ...endpoints: readonly string[]): Census {
  return { node, omitted: 0, networks: [{ ...OVERLAY, endpoints: endpoints.map((text) => endpoint(text)) }] };
}

describe('the census', () => {
  const ovr0 = network('ovr0', { mtu: 1400 });
  const web = container('web', { networks: [attach('ovr0', 'nginx', 'www')] });
  const observed = {
    engine: facts,
    networks: [
      networkOf(ovr0, { options: { 'com.docker.network.driver.mtu': '1400' } }),
      networkOf(network('bridge', { driver: 'bridge' })),
      networkOf(network('host', { driver: 'bridge' }), { driver: 'host' }),
    ],
    containers: [
      containerOf(web),
      containerOf(container('stopped', { networks: [attach('ovr0')] }), { state: 'exited' }),
    ],
  };
  const count = (change: Partial<Parameters<typeof takeCensus>[0]> = {}): Census =>
    takeCensus({ node: 'n1', observed, told: new Map(), ...change });
  const only = (one: Census): CensusEndpoint | undefined => one.networks[0]?.endpoints[0];

  it('has running containers on networks with embedded DNS, and no others', () => {
    const { networks } = count();
    expect(networks.map(({ name, mtu }) => [name, mtu])).toEqual([['ovr0', 1400]]);
    expect(networks[0]?.endpoints.map((one) => one.container)).toEqual(['web']);
    expect(only(count())).toMatchObject({ names: ['nginx', 'web', 'www'], lacking: [] });
  });

  it('tells what a manifest declares and the endpoint lacks', () => {
    const declared = container('web', { networks: [attach('ovr0', 'nginx', 'www', 'shop')] });
    expect(only(count({ revision: revision([declared]) }))).toMatchObject({ lacking: ['shop'] });
    const moves = alias('shop', { selector: { app: 'shop' } });
    expect(only(count({ revision: revision([declared, moves]) }))).toMatchObject({ lacking: [] });
    const ignored = container('web', { networks: [attach('ovr0', 'shop')] }, { mode: 'ignore' });
    expect(only(count({ revision: revision([ignored]) }))).toMatchObject({ lacking: [] });
  });

  it('takes the names of containers that are not ours as they are told', () => {
    const { details, ...foreign } = containerOf(web, { labels: {} });
    expect(details).toBeDefined();
    const told = new Map([[foreign.id, new Map([['id-ovr0', ['theirs']]])]]);
    const changed = { ...observed, containers: [foreign] };
    expect(only(count({ observed: changed, told, revision: revision([web]) }))).toMatchObject({
      names: ['theirs', 'web'],
      lacking: [],
    });
  });

  it('leaves out names that DNS cannot carry', () => {
    const long = container('x'.repeat(64), { networks: [attach('ovr0', 'fits')] });
    const changed = { ...observed, containers: [containerOf(long)] };
    expect(only(count({ observed: changed }))?.names).toEqual(['fits']);
  });

  it('is bounded, and says so', () => {
    const many = Array.from({ length: 2001 }, (_, at) =>
      containerOf(container(`c${at}`, { networks: [attach('ovr0')] })),
    );
    const { networks, omitted } = count({ observed: { ...observed, containers: many } });
    expect([networks[0]?.endpoints.length, omitted]).toEqual([2000, 1]);
  });
});

describe('the judgement of an answer', () => {
  const known = (isComplete: boolean, names: Record<string, string[]>): ErrandNetwork => ({
    ...OVERLAY,
    isAsked: true,
    isComplete,
    names,
    hosts: [],
  });
  const names = { nginx: ['.2', '.3'], web: ['.2'], other: ['.9'] };
  it.each([
    ['all holders', true, ['.2', '.3'], 'ok'],
    ['one holder too few', true, ['.2'], 'missing'],
    ['nobody', true, [], 'missing'],
    ['an address that nobody has', true, ['.2', '.3', '.77'], 'stale'],
    ['only an address that nobody has', true, ['.77'], 'stale'],
    ['an address that another has', true, ['.2', '.3', '.9'], 'wrong'],
    ['another and nobody: the worse', true, ['.9', '.77'], 'wrong'],
    ['more than is known, where not all is known', false, ['.2', '.3', '.77'], 'ok'],
    ['too few, where not all is known', false, ['.2', '.77'], 'missing'],
    ['another one, where not all is known', false, ['.2', '.3', '.9'], 'wrong'],
  ])('%s', (_what, isComplete, addresses, verdict) => {
    expect(
      judge('nginx', { name: 'nginx', addresses }, { network: known(isComplete, names), others: [] }),
    ).toBe(verdict);
  });

  it('takes what the name means on another network of the container that asked', () => {
    const others = [known(true, { nginx: ['.50'] })];
    const answer = { name: 'nginx', addresses: ['.50'] };
    expect(judge('nginx', answer, { network: known(true, names), others })).toBe('ok');
    expect(judge('nginx', answer, { network: known(true, names), others: [] })).toBe('stale');
  });
});

describe('the errand', () => {
  const bridge: CensusNetwork = {
    ...{ id: 'n-side', name: 'side', driver: 'bridge', scope: 'local' },
    endpoints: [endpoint('web@.2: web', ['n-side', OVERLAY.id])],
  };

  it('has each name with all its addresses, and one host for each node', () => {
    const censuses = [census('n2', 'b1@.3: b1 nginx'), census('n1', 'a1@.2: a1 nginx', 'a2@.4: a2 ! nginx')];
    const { networks } = makeErrand({ censuses, isComplete: true }, [], 'shared');
    expect(networks).toMatchObject([
      {
        name: 'ovr0',
        isComplete: true,
        names: { a1: ['10.0.9.2'], nginx: ['10.0.9.2', '10.0.9.3', '10.0.9.4'] },
        hosts: [
          { node: 'n1', container: 'a2', address: '10.0.9.4' },
          { node: 'n2', container: 'b1', address: '10.0.9.3' },
        ],
      },
    ]);
  });

  it('keeps what is one node’s own apart, and tells of the other networks of those who are on it', () => {
    const [shared] = census('n1', 'web@.2: web').networks;
    const both: Census = { node: 'n1', omitted: 0, networks: [shared!, bridge] };
    const make = (wanted: readonly string[], which: 'shared' | 'local'): (readonly [string, boolean])[] =>
      makeErrand({ censuses: [both], isComplete: false }, wanted, which).networks.map((one) => [
        one.name,
        one.isAsked,
      ]);
    expect(make([], 'shared')).toEqual([['ovr0', true]]);
    expect(make([], 'local')).toEqual([
      ['ovr0', false],
      ['side', true],
    ]);
    expect(make(['ovr0'], 'local')).toEqual([]);
    expect(make(['n-side'], 'local')).toHaveLength(2);
  });

  it('is not complete where a node told only a part', () => {
    const cut = { ...census('n1', 'web@.2: web'), omitted: 3 };
    const { networks } = makeErrand({ censuses: [cut], isComplete: true }, [], 'shared');
    expect(networks[0]?.isComplete).toBe(false);
  });
});

describe('the report', () => {
  const n1 = census('n1', 'a1@.2: a1 nginx');
  const n2 = census('n2', 'b1@.3: b1 nginx');
  const found = (change: Partial<NetworkFindings> & { asker?: NetworkFindings['asker'] }): Findings => ({
    networks: [
      {
        ...{ id: OVERLAY.id, name: 'ovr0', mtu: 1450 },
        asker: { container: 'a1', networks: [OVERLAY.id] },
        dns: { asked: 3, untried: 0, odd: [], omitted: 0 },
        pings: [
          { node: 'n1', address: '10.0.9.2', reach: 'ok', rttMs: 0.1 },
          { node: 'n2', address: '10.0.9.3', reach: 'ok', rttMs: 0.4 },
        ],
        ...change,
      },
    ],
  });
  const well = new Map<string, Findings | { problem: string }>([
    ['n1', found({})],
    ['n2', found({})],
  ]);
  const gathered = (change: Partial<Gathered> = {}): Gathered => {
    const knowledge = { censuses: [n1, n2], isComplete: true };
    return {
      ...{ node: 'n1', scope: 'cluster', wanted: [], startedMs: 0, durationMs: 5 },
      ...{ before: knowledge, after: knowledge, findings: well, silent: new Map() },
      ...change,
    };
  };
  const rows = (report: ReturnType<typeof assembleReport>): string[] =>
    report.networks.flatMap(({ cells }) => cells.map(({ from, to, reach }) => `${from} ${to} ${reach}`));

  it('is well when all is', () => {
    const report = assembleReport(gathered());
    expect(report).toMatchObject({ ok: true, mismatches: [], failures: [], notes: [] });
    expect(rows(report)).toEqual(['n1 n1 ok', 'n1 n2 ok', 'n2 n1 ok', 'n2 n2 ok']);
    expect(report.networks).toMatchObject([{ mtu: 1450, names: 3, hosts: ['n1', 'n2'] }]);
  });

  it('shows who told nothing as no answer, from and to', () => {
    const knowledge = { censuses: [n1], isComplete: false };
    const report = assembleReport(
      gathered({ before: knowledge, after: knowledge, silent: new Map([['n2', 'is away']]) }),
    );
    expect(report.ok).toBe(false);
    expect(rows(report)).toEqual(['n1 n1 ok', 'n1 n2 no-answer', 'n2 n1 no-answer', 'n2 n2 no-answer']);
    expect(report.nodes).toMatchObject([
      { name: 'n1' },
      { name: 'n2', state: 'no-answer', message: 'is away' },
    ]);
  });

  it.each<[string, Findings | { problem: string } | undefined, string, string]>([
    ['said nothing more', undefined, 'no-answer', 'no-answer'],
    ['has a problem', { problem: 'nsenter is missing' }, 'failed', 'failed'],
    ['could not enter', found({ failure: 'not permitted' }), 'failed', 'answered'],
    ['came too late', { networks: [] }, 'untried', 'answered'],
  ])('shows the row of a node that %s', (_what, findings, reach, state) => {
    const both = new Map([...well]);
    if (findings) both.set('n2', findings);
    else both.delete('n2');
    const report = assembleReport(gathered({ findings: both }));
    expect(report.ok).toBe(false);
    expect(rows(report).slice(2)).toEqual([`n2 n1 ${reach}`, `n2 n2 ${reach}`]);
    expect(report.nodes[1]).toMatchObject({ name: 'n2', state });
  });

  const pinged = (reach: 'mtu' | 'unreachable' | 'failed'): Map<string, Findings> =>
    new Map([
      ['n1', found({ pings: [{ node: 'n2', address: '10.0.9.3', reach, message: 'why' }] })],
      ['n2', found({})],
    ]);

  it.each([
    ['mtu', /whole ones of 1450 bytes do not: a link between these hosts carries less than 1500 bytes/],
    ['unreachable', /no answer from 10\.0\.9\.3: let UDP 4789/],
    ['failed', /^why$/],
  ] as const)('tells what to do about %s', (reach, message) => {
    const report = assembleReport(gathered({ findings: pinged(reach) }));
    expect(report.networks[0]?.cells[1]).toMatchObject({
      reach,
      message: expect.stringMatching(message) as string,
    });
    // There was no word of this one.
    expect(report.networks[0]?.cells[0]).toMatchObject({ reach: 'untried' });
  });

  it('holds nothing against a container that went away meanwhile', () => {
    const later = { censuses: [n1, census('n2', 'b2@.7: b2')], isComplete: true };
    const odd = [{ name: 'b1', addresses: [], error: 'ENOTFOUND' }];
    const findings = pinged('unreachable').set(
      'n2',
      found({ dns: { asked: 3, untried: 0, odd, omitted: 0 } }),
    );
    const report = assembleReport(gathered({ after: later, findings }));
    expect(report.mismatches).toEqual([]);
    expect(report.networks[0]?.cells[1]).toMatchObject({ reach: 'untried' });
    const gone = { censuses: [n1, { ...n2, networks: [] }], isComplete: true };
    expect(rows(assembleReport(gathered({ after: gone, findings })))).toEqual(['n1 n1 untried']);
  });

  const answered = (addresses: string[], name = 'nginx'): Map<string, Findings> =>
    new Map(
      ['n1', 'n2'].map((node) => [
        node,
        found({ dns: { asked: 3, untried: 0, odd: [{ name, addresses, error: 'E' }], omitted: 0 } }),
      ]),
    );

  it.each([
    ['missing', ['10.0.9.2'], /^b1 \(10\.0\.9\.3 on n2\) holds the name and the engine has lost the record/],
    ['stale', ['10.0.9.2', '10.0.9.3', '10.0.9.77'], /has 10\.0\.9\.77: it is what a dead container/],
  ] as const)('tells what to do about a %s answer, once for all nodes', (verdict, addresses, message) => {
    const { ok, mismatches } = assembleReport(gathered({ findings: answered([...addresses]) }));
    expect(ok).toBe(false);
    expect(mismatches).toMatchObject([{ name: 'nginx', verdict, nodes: ['n1', 'n2'], answered: addresses }]);
    expect(mismatches[0]?.message).toMatch(message);
  });

  it('names the container that is answered and does not hold the name', () => {
    const { mismatches } = assembleReport(gathered({ findings: answered(['10.0.9.2', '10.0.9.3'], 'a1') }));
    expect(mismatches[0]).toMatchObject({ verdict: 'wrong', expected: ['10.0.9.2'] });
    expect(mismatches[0]?.message).toMatch(/^b1 \(10\.0\.9\.3 on n2\) is answered too/);
  });

  it('names the manifest where an endpoint lacks what is declared', () => {
    const knowledge = { censuses: [n1, census('n2', 'b1@.3: b1 ! nginx')], isComplete: true };
    const findings = answered(['10.0.9.2']);
    const { mismatches } = assembleReport(gathered({ before: knowledge, after: knowledge, findings }));
    expect(mismatches[0]?.message).toMatch(/^its manifest declares the name for b1/);
  });

  it('tells of a DNS server that does not answer, and of names there was no time for', () => {
    const dns = { asked: 3, untried: 0, odd: [], omitted: 0 };
    const findings = new Map([
      ['n1', found({ dns: { ...dns, failure: 'no DNS' } })],
      ['n2', found({ dns: { ...dns, untried: 7 } })],
    ]);
    const { ok, failures } = assembleReport(gathered({ findings }));
    expect(ok).toBe(false);
    expect(failures).toMatchObject([
      { node: 'n1', network: 'ovr0', message: 'no DNS' },
      { node: 'n2', message: expect.stringContaining('7 names') as string },
    ]);
  });

  it('says what a node alone cannot know, and where there is nothing to check', () => {
    const knowledge = { censuses: [n1], isComplete: false };
    const alone = { scope: 'node', before: knowledge, after: knowledge } as const;
    const one = new Map([
      ['n1', found({ pings: [{ node: 'n1', address: '10.0.9.2', reach: 'ok', rttMs: 0.1 }] })],
    ]);
    const report = assembleReport(gathered({ ...alone, findings: one }));
    expect(report.ok).toBe(true);
    expect(report.notes).toEqual([
      expect.stringMatching(/^only the containers of this node are known: other hosts on ovr0/),
    ]);
    const other = assembleReport(gathered({ ...alone, findings: one, wanted: ['empty'] }));
    expect(other).toMatchObject({ ok: true, networks: [] });
    expect(other.notes).toEqual([
      'no running container here is on network empty, so there is nothing to check',
    ]);
  });
});
