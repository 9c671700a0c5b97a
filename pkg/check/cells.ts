import { findingsOn, type Evidence } from './evidence.ts';
import type { MappedNetwork } from './errand.ts';
import type { NetworkFindings, PingFinding } from './findings.ts';
import type { Cell } from './report.ts';

/** The whole matrix of one network, row by row. */
export function cellsOf(mapped: MappedNetwork, hosts: readonly string[], evidence: Evidence): Cell[] {
  return hosts.flatMap((from) => {
    const row = rowOf(from, mapped, evidence);
    return hosts.map((to) => ({ from, to, ...cellTo(to, row, { mapped, evidence }) }));
  });
}

/** What a node's row is made of: its findings, or the one thing that all its cells say. */
type Row = NetworkFindings | Outcome;
type Outcome = Pick<Cell, 'reach' | 'rttMs' | 'message'>;

function rowOf(from: string, { network }: MappedNetwork, evidence: Evidence): Row {
  const { silent, findings } = evidence.gathered;
  const why = silent.get(from);
  if (why !== undefined) return { reach: 'no-answer', message: why };
  const found = findings.get(from);
  if (!found)
    return { reach: 'no-answer', message: `${from} did not say what it found out: see the log of its ovrd` };
  if ('problem' in found) return { reach: 'failed', message: found.problem };
  const here = findingsOn(evidence, from, network.id);
  if (here?.failure !== undefined) return { reach: 'failed', message: here.failure };
  return here ?? { reach: 'untried', message: `${from} came to it too late: run ovr check again` };
}

function cellTo(
  to: string,
  row: Row,
  { mapped, evidence }: { mapped: MappedNetwork; evidence: Evidence },
): Outcome {
  if ('reach' in row) return row;
  const why = evidence.gathered.silent.get(to);
  if (why !== undefined) return { reach: 'no-answer', message: why };
  const ping = row.pings.find(({ node }) => node === to);
  if (!ping) return { reach: 'untried', message: 'there was no time for it: check fewer networks at once' };
  if (ping.reach === 'ok') {
    return { reach: 'ok', ...(ping.rttMs === undefined ? {} : { rttMs: ping.rttMs }), message: '' };
  }
  const isStillThere = mapped.endpoints.some(({ node, address }) => node === to && address === ping.address);
  if (!isStillThere) {
    return {
      reach: 'untried',
      message: `the container with ${ping.address} went away meanwhile: run ovr check again`,
    };
  }
  return { reach: ping.reach, message: explain(ping, row.mtu, mapped) };
}

/** What VXLAN adds to each packet. */
const VXLAN_BYTES = 50;

function explain({ reach, address, message }: PingFinding, mtu: number, { network }: MappedNetwork): string {
  const isOverlay = network.driver === 'overlay';
  if (reach === 'mtu') {
    const mend = isOverlay
      ? `a link between these hosts carries less than ${mtu + VXLAN_BYTES} bytes: raise its MTU, or make the network anew with a smaller spec.mtu`
      : 'a link on the way carries less: raise its MTU, or make the network anew with a smaller spec.mtu';
    return `small packets reach ${address}, whole ones of ${mtu} bytes do not: ${mend}`;
  }
  if (reach === 'unreachable') {
    const mend = isOverlay
      ? 'let UDP 4789 and TCP and UDP 7946 through between these hosts; if they are open, attach that container anew with ovr republish; if that does not help, these daemons missed each other when they started: restart Docker on one of the two'
      : 'look for firewall rules on the hosts';
    return `no answer from ${address}: ${mend}`;
  }
  return message ?? 'it could not be tried';
}
