import { describe, expect, it } from 'vitest';
import { checkConstraints, matches, parseConstraint, type Constraint, type NodeFacts } from './index.ts';

const node: NodeFacts = {
  id: 'AB12:CD34|10.6.17.13:2375',
  name: 'swarm-node-1',
  ip: '10.6.17.13',
  role: 'worker',
  os: 'linux',
  arch: 'x86_64',
  labels: { rack: 'R1', shared: 'from-node' },
  engineLabels: { storage: 'SSD', shared: 'from-engine', operatingsystem: 'Debian GNU/Linux 12' },
};

function parse(text: string): Constraint {
  const result = parseConstraint(text);
  if (!result.ok) throw new Error(`${text}: ${result.message}`);
  return result.constraint;
}

function on(facts: Partial<NodeFacts>): NodeFacts {
  return { ...node, ...facts };
}

describe('classic constraints that hold or not on swarm-node-1', () => {
  const table: [text: string, holds: boolean, why: string][] = [
    ['node==swarm-node-1', true, 'literal name'],
    ['constraint:node==swarm-node-1', true, "the environment variable's prefix may stay"],
    ['node==swarm-node-2', false, 'other name'],
    ['node!=swarm-node-2', true, 'other name, negated'],
    ['node!=swarm-node-1', false, 'own name, negated'],
    ['node==SWARM-NODE-1', false, 'case counts'],
    ['node==AB12:CD34', false, 'the ID is <engine ID>|<address>, so a bare engine ID does not match'],
    ['node==AB12:CD34*', true, 'a glob over the ID does'],
    ['node==swarm-*', true, 'glob'],
    ['node==swarm', false, 'globs are anchored at both ends'],
    ['node==*', true, 'anything'],
    ['node!=*', false, 'anything, negated'],
    ['node==swarm.node.1', true, 'a dot stays a regular-expression dot'],
    ['node==swarm-node-[12]', true, 'a class stays one'],
    ['node==swarm-node-(1|2)', true, 'a group stays one'],
    ['node==swarm|xyz', true, 'alternation means ^swarm or xyz$'],
    ['node==xyz|1', true, 'alternation means ^xyz or 1$'],
    ['node==/node/', true, 'a regular expression is not anchored'],
    ['node==/^node/', false, 'unless it says so'],
    ['node==/NODE/', false, 'case counts'],
    ['node==/(?i)NODE/', true, 'unless it starts with (?i)'],
    ['node!=/node-[0-9]+$/', false, 'regular expression, negated'],
    ['node==//', true, 'the empty regular expression matches all'],
    ['node==/~x/', false, 'a ~ inside the slashes is no soft mark'],
    ['storage==SSD', true, 'engine label'],
    ['storage==ssd', false, 'case of the value counts'],
    ['Storage==SSD', false, 'case of a label name counts'],
    ['operatingsystem==Debian*', true, 'value with spaces'],
    ['operatingsystem==Debian GNU/Linux 12', true, 'spaces and slashes in the middle'],
    ['rack==R1', true, 'a --node-label counts as well'],
    ['shared==from-engine', true, 'the engine label first'],
    ['shared==from-node', false, 'not both'],
    ['missing==x', false, 'a missing label is empty'],
    ['missing!=x', true, 'so != holds'],
    ['missing==*', true, 'and a glob for anything too'],
    ['constructor==*', true, 'a name that every object has is no label'],
    ['constructor==/Object/', false, 'a name that every object has is no label'],
    ['com.example.disk==fast', false, 'dots in a label name are no Swarm-mode key'],
  ];
  it.each(table)('%s: %s (%s)', (text, holds) => {
    const constraint = parse(text);
    expect(constraint.dialect).toBe('classic');
    expect(matches(constraint, node)).toBe(holds);
  });

  it('does not let the end of a glob match before a line break', () => {
    expect(matches(parse('rack==R1*x|R1'), on({ labels: { rack: 'zR1\n' } }))).toBe(false);
  });

  it.each([
    ['node==~swarm-node-2', true, 'swarm-node-2'],
    ['node!=~swarm-node-1', true, 'swarm-node-1'],
    ['node==/~x', false, '/~x'],
  ])('reads the soft mark of %s: %s', (text, soft, value) => {
    expect(parse(text)).toMatchObject({ soft, value });
  });
});

describe('Swarm-mode constraints that hold or not on swarm-node-1', () => {
  const facts = on({ id: 'x1y2', labels: { Zone: 'East' }, engineLabels: { storage: 'ssd' } });
  const table: [text: string, holds: boolean, why: string][] = [
    ['node.hostname==swarm-node-1', true, 'literal'],
    ['node.hostname==SWARM-NODE-1', true, 'case does not count'],
    ['node.hostname == swarm-node-1', true, 'outer spaces are dropped'],
    ['NODE.HostName==swarm-node-1', true, 'nor in the key'],
    ['node.hostname!=swarm-node-1', false, 'negated'],
    ['node.hostname==swarm', false, 'the whole value'],
    ['node.hostname==swarm-*', false, 'no globs'],
    ['node.hostname==swarm.node.1', false, 'no regular expressions'],
    ['constraint:node.hostname==swarm-node-1', true, 'prefix'],
    ['node.id==X1Y2', true, 'ID in any case'],
    ['node.role==worker', true, 'role'],
    ['node.role==Manager', false, 'role'],
    ['node.role!=manager', true, 'role'],
    ['node.platform.os==linux', true, 'system'],
    ['node.platform.arch==x86_64', true, 'architecture as the engine says it'],
    ['node.platform.arch==amd64', false, 'no other names for it'],
    ['node.labels.Zone==east', true, 'label value in any case'],
    ['node.labels.zone==east', false, 'label name in its own case'],
    ['node.labels.zone!=east', true, 'a missing label is empty'],
    ['node.labels.storage==ssd', false, 'an engine label is no node label'],
    ['engine.labels.storage==ssd', true, 'engine label'],
    ['engine.labels.Zone==east', false, 'a node label is no engine label'],
    ['node.labels.constructor!=x', true, 'a name that every object has is no label'],
    ['node.ip==10.6.17.13', true, 'address'],
    ['node.ip==10.6.17.14', false, 'address'],
    ['node.ip!=10.6.17.14', true, 'address'],
    ['node.ip==10.6.17.0/24', true, 'network'],
    ['node.ip==10.6.17.99/24', true, 'host bits of a network do not count'],
    ['node.ip!=10.6.17.0/24', false, 'network'],
    ['node.ip==0.0.0.0/0', true, 'all of IPv4'],
    ['node.ip==2001:db8::/32', false, 'other family'],
    ['node.ip==::ffff:10.6.17.13', true, 'IPv4 in IPv6 form'],
  ];
  it.each(table)('%s: %s (%s)', (text, holds) => {
    const constraint = parse(text);
    expect(constraint.dialect).toBe('swarm-mode');
    expect(matches(constraint, facts)).toBe(holds);
  });

  it('compares IPv6 addresses by value, and an unknown address with nothing', () => {
    expect(matches(parse('node.ip==2001:db8:0::1'), on({ ip: '2001:DB8::1' }))).toBe(true);
    expect(matches(parse('node.ip==2001:db8::/32'), on({ ip: '2001:db8::1' }))).toBe(true);
    expect(matches(parse('node.ip==0.0.0.0/0'), on({ ip: '' }))).toBe(false);
    expect(matches(parse('node.ip!=10.0.0.1'), on({ ip: '' }))).toBe(true);
  });
});

describe('refusals', () => {
  const table: [text: string, message: RegExp][] = [
    ['', /no operator/],
    ['node', /no operator/],
    ['node=swarm-node-1', /no operator; write KEY==VALUE/],
    ['node!swarm', /no operator/],
    ['==x', /not a key/],
    ['node==', /value is missing/],
    ['node==~', /value is missing/],
    ['n==x', /two characters/],
    ['1node==x', /not a key/],
    ['a b==x', /not a key/],
    ['a!==b', /'a!' is not a key/],
    ['node ==x', /spaces around the key 'node'/],
    ['node== x', /spaces around the value 'x'/],
    ['node===x', /starts with '='/],
    ['node==!x', /starts with '!'/],
    ['node==~~x', /cannot have/],
    ['node=="x"', /cannot have/],
    ["node=='x'", /cannot have/],
    ['node==a{2}', /cannot have/],
    ['node==a,b', /cannot have/],
    ['node==é', /cannot have/],
    ['node==/', /alone/],
    ['node==~/', /alone/],
    ['node==/(/', /not a valid pattern/],
    ['node!=/(/', /not a valid pattern/],
    ['node==a(b', /not a valid pattern/],
    ['node==[', /not a valid pattern/],
    ['node==/(a)\\1/', /not a valid pattern: .*\\1/],
    ['node==/(?=a)/', /cannot have/],
    ['node==/(?!a)/', /cannot have/],
    ['node==/(?<=a)/', /cannot have/],
    ['Node==x', /write 'node' in lower case/],
    ['affinity:container==db', /'affinity:' expressions are not supported/],
    ['whitelist:node==a|b', /'whitelist:' expressions are not supported/],
    ['node.hostnam==x', /did you mean node\.hostname\?/],
    ['node.name==x', /not a key of Swarm mode/],
    ['node.label.zone==x', /not a key of Swarm mode/],
    ['engine.hostname==x', /did you mean node\.hostname\?/],
    ['node.labels.==x', /names no label/],
    ['engine.labels.==x', /names no label/],
    ['node.==x', /not a key of Swarm mode/],
    ['node.role==~worker', /soft constraints/],
    ['node.role==work', /did you mean worker\?/],
    ['node.role==', /value is missing/],
    ['node.hostname!==x', /not a key/],
    ['node.hostname==/(?!a)/', /cannot have/],
    ['node.ip==10.0.0', /neither an address nor a network/],
    ['node.ip==010.0.0.1', /neither an address nor a network/],
    ['node.ip==10.0.0.1/33', /neither an address nor a network/],
    ['node.ip==10.0.0.1/', /neither an address nor a network/],
    ['node.ip==::1/129', /neither an address nor a network/],
    ['node.ip==host', /neither an address nor a network/],
    [`node==${'a'.repeat(2000)}`, /at most 1024 characters/],
  ];
  it.each(table)('%s', (text, message) => {
    const result = parseConstraint(text);
    expect(result.ok ? 'accepted' : result.message).toMatch(message);
  });
});

describe('hints', () => {
  it.each([
    ['node==web1|web2', /write \(web1\|web2\)/],
    ['node==web?', /write \. for any one character/],
    ['zone==a+', /repeat the character/],
    ['node==/web-1/', /write \/web-1\$\//],
    ['node==/web-[12]/', /write \/web-\[12\]\$\//],
    ['node==*', /every node meets this; remove/],
    ['node!=*', /no node meets this/],
    ['disk==*', /write disk==\/\.\/ for those that have it/],
    ['disk==/.*/', /write disk==/],
    ['node==Web-1', /node\.hostname==Web-1 does not mind/],
    ['operatingsystem==ubuntu*', /Ubuntu 24\.04/],
    ['ostype==Linux', /lower case/],
    ['storagedriver==Overlay2', /lower case/],
    ['hostname==web-1', /write node\.hostname/],
    ['role==manager', /write node\.role/],
    ['ip==10.0.0.1', /write node\.ip/],
    ['arch==amd64', /write node\.platform\.arch/],
    ['os==linux', /write node\.platform\.os/],
    ['labels.zone==a', /write node\.labels\.zone/],
    ['node-labels.zone==a', /write node\.labels\.zone/],
    ['node.hostname==web*', /node==web\*/],
    ['node.hostname==/web/', /classic key/],
    ['node.labels.zone==a|b', /classic key/],
    ['node.labels.zone==^a', /classic key/],
    ['node.hostname==web-[12]', /classic key/],
    ['node.platform.arch==amd64', /x86_64/],
    ['node.platform.os==ubuntu', /linux or windows, not ubuntu/],
    ['node.id==x1y2', /a whole ID/],
    ['node.ip==10.0.9.7/24', /network 10\.0\.9\.0\/24; write 10\.0\.9\.7 alone/],
  ])('%s', (text, hint) => {
    expect(parse(text).hint).toMatch(hint);
  });

  it.each([
    'node==web1',
    'node==(a|b)',
    'node==/a|b/',
    'node==host.example.com',
    'node==web-[0-9]+',
    'node==web-.*',
    'node==/^web-[12]$/',
    'node==/web/',
    'node==AB12:CD34*',
    'node==/(?i)WEB/',
    'operatingsystem==Debian*',
    'operatingsystem==openSUSE*',
    'ostype==linux',
    'role==db',
    'os==alpine',
    'disk!=ssd',
    'node.labels.Zone==East',
    'node.labels.version==1.2+3',
    'node.platform.arch==x86_64',
    'node.platform.os==Linux',
    'node.id==jp5mhjryqk7bvgqvvxc4zzw2d',
    'node.ip==10.0.9.0/24',
    'node.ip==10.0.9.7',
    'node.ip==2001:db8::1/64',
  ])('none for %s', (text) => {
    expect(parse(text).hint).toBeUndefined();
  });
});

describe('checkConstraints', () => {
  it('says of each constraint that does not hold what the node has instead', () => {
    const check = checkConstraints(
      ['node==swarm-node-2', 'storage==HDD', 'disk==x', 'node.ip==10.0.0.0/8', 'node.role==manager', 'bad'],
      node,
    );
    expect(check).toEqual({
      matches: false,
      unmet: [
        'node==swarm-node-2: this node is swarm-node-1',
        'storage==HDD: this node has storage=SSD',
        'disk==x: this node has no label disk',
        "node.role==manager: this node's role is worker",
        "bad: 'bad' has no operator; write KEY==VALUE or KEY!=VALUE, for example node==NAME",
      ],
    });
  });

  it('names node and engine labels apart, and an unknown address', () => {
    const texts = ['node.labels.a==x', 'engine.labels.storage==x', 'node.ip==10.0.0.1'];
    expect(checkConstraints(texts, on({ ip: '' })).unmet).toEqual([
      'node.labels.a==x: this node has no node label a',
      'engine.labels.storage==x: this node has storage=SSD',
      "node.ip==10.0.0.1: this node's address is unknown",
    ]);
  });

  it('lets all soft ones go, so that they never exclude the only node', () => {
    const texts = ['node==~swarm-node-2', 'storage!=~SSD', 'node==swarm-node-1'];
    expect(checkConstraints(texts, node)).toEqual({ matches: true, unmet: [] });
  });

  it('holds without any, and gives the same answer each time for texts and for parsed ones', () => {
    expect(checkConstraints([], node).matches).toBe(true);
    const texts = ['node==swarm-node-1'];
    const other = on({ name: 'other', id: 'o1' });
    expect([checkConstraints(texts, node), checkConstraints(texts, other)].map((c) => c.matches)).toEqual([
      true,
      false,
    ]);
    expect(checkConstraints([parse('node==other')], other).matches).toBe(true);
  });
});

it('answers nested repetitions at once', () => {
  const constraint = parse('node==/^(((a*)*)*)*$/');
  expect(matches(constraint, on({ name: `${'a'.repeat(5000)}!`, id: 'zz' }))).toBe(false);
});
