import { compareStrings } from '../api/index.ts';
import { findingsOn, type Evidence } from './evidence.ts';
import type { MappedEndpoint, MappedNetwork } from './errand.ts';
import type { NameAnswer } from './findings.ts';
import { judge, type Verdict } from './judge.ts';
import type { Mismatch } from './report.ts';

/** All names that are answered wrongly, each once for all nodes that are answered the same. */
export function mismatchesOf(evidence: Evidence): Mismatch[] {
  const found = evidence.networks.flatMap((mapped) => {
    const nodes = new Set(mapped.endpoints.map(({ node }) => node));
    return [...nodes].sort(compareStrings).flatMap((node) => onNode(node, mapped, evidence));
  });
  const grouped = new Map<string, Mismatch>();
  for (const one of found) {
    const key = JSON.stringify([one.network, one.name, one.verdict, one.answered, one.message]);
    const known = grouped.get(key);
    grouped.set(key, known ? { ...known, nodes: [...known.nodes, ...one.nodes] } : one);
  }
  return [...grouped.values()].sort(
    (a, b) => compareStrings(a.network, b.network) || compareStrings(a.name, b.name),
  );
}

function onNode(node: string, mapped: MappedNetwork, evidence: Evidence): Mismatch[] {
  const { id } = mapped.network;
  const findings = findingsOn(evidence, node, id);
  const must = evidence.must.get(node);
  const network = must?.get(id);
  if (!findings?.asker || !must || !network) return [];
  const others = findings.asker.networks.flatMap((other) => {
    const known = other === id ? undefined : must.get(other);
    return known ? [known] : [];
  });
  return findings.dns.odd.flatMap((answer): Mismatch[] => {
    const expected = network.names[answer.name];
    if (!expected) return [];
    const verdict = judge(answer.name, answer, { network, others });
    if (verdict === 'ok') return [];
    const message = explain(verdict, answer, { expected, mapped });
    const { name, addresses: answered } = answer;
    return [{ network: network.name, name, nodes: [node], verdict, expected, answered, message }];
  });
}

interface Situation {
  readonly expected: readonly string[];
  readonly mapped: MappedNetwork;
}

function explain(verdict: Verdict, answer: NameAnswer, { expected, mapped }: Situation): string {
  const more = answer.addresses.filter((address) => !expected.includes(address));
  switch (verdict) {
    case 'missing':
      return explainMissing(answer, { expected, mapped });
    case 'stale':
      return `no container that the agents know has ${more.join(', ')}: it is what a dead container or host left behind, unless a host without ovrd is on this network. docker network inspect ${mapped.network.name} shows whose it is; docker network disconnect --force ${mapped.network.name} NAME removes it`;
    case 'wrong': {
      const owners = more.flatMap((address) =>
        mapped.endpoints.filter((endpoint) => endpoint.address === address).map(where),
      );
      return `${owners.join(', ')} is answered too and does not hold the name: run ovr republish on its node`;
    }
  }
}

function explainMissing({ name, addresses, error }: NameAnswer, { expected, mapped }: Situation): string {
  const left = mapped.endpoints.filter(
    (endpoint) => expected.includes(endpoint.address) && !addresses.includes(endpoint.address),
  );
  const lacking = left.filter((endpoint) => endpoint.lacking.includes(name));
  if (lacking.length > 0) {
    const who = lacking.map(where).join(', ');
    return `its manifest declares the name for ${who}, whose endpoint does not have it: ovr diff on that node shows why; ovrd adds it by itself unless it only observes`;
  }
  const holders = left
    .filter((endpoint) => endpoint.names.includes(name))
    .map(where)
    .join(', ');
  const how = error === 'ETIMEOUT' ? 'no answer came' : 'the engine has lost the record';
  return `${holders} holds the name and ${how}: run ovr republish on its node; if all names of a host are missing elsewhere, its daemon has not joined the others: restart Docker there`;
}

function where({ container, node, address }: MappedEndpoint): string {
  return `${container} (${address} on ${node})`;
}
