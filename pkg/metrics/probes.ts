import { Gauge, Histogram, type Registry } from 'prom-client';

import { REACHES, type Findings, type NetworkFindings, type Reach } from '../check/index.ts';

/** From a bridge on the same host to the other side of the world. */
const RTT_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];
/** More would cost a time-series database more than they tell a reader; ovr check tells all. */
const MAX_FAILED = 100;

/** What a node can say of its own pings. */
const RESULTS = REACHES.filter((reach) => reach !== 'no-answer');

/** Registers the metrics of checks; the returned function takes what the newest one found. They have no series before the first. */
export function registerProbes(registry: Registry): (findings: Findings, nowMs: number) => void {
  const registers = [registry];
  const rtt = new Histogram({
    name: 'ovr_probe_rtt_seconds',
    help: 'Round trips from this node to the hosts of a network, with packets of its whole MTU.',
    labelNames: ['network'],
    buckets: RTT_BUCKETS,
    registers,
  });
  const hosts = new Gauge({
    name: 'ovr_probe_hosts',
    help: 'Hosts of the network by how they were reached from this node at the newest check.',
    labelNames: ['network', 'result'],
    registers,
  });
  const failed = new Gauge({
    name: 'ovr_probe_failed',
    help: '1 for each host that this node did not reach at the newest check.',
    labelNames: ['network', 'to', 'result'],
    registers,
  });
  const unreached = new Gauge({
    name: 'ovr_probe_unreached',
    help: 'Containers besides one of each host that this node did not reach at the newest check.',
    labelNames: ['network'],
    registers,
  });
  const mismatches = new Gauge({
    name: 'ovr_dns_mismatch',
    help: 'Names that containers of this node are not answered as they must be, at the newest check.',
    labelNames: ['network'],
    registers,
  });
  const last = new Gauge({
    name: 'ovr_probe_last_timestamp_seconds',
    help: 'When this node last checked its networks, seconds since the epoch.',
    registers: [],
  });
  return ({ networks }, nowMs) => {
    // It would be 0 from the start on, which is a time too.
    registry.registerMetric(last);
    last.set(nowMs / 1000);
    for (const gauge of [hosts, failed, unreached, mismatches]) gauge.reset();
    let room = MAX_FAILED;
    for (const [network, all] of byName(networks)) {
      mismatches.set(
        { network },
        all.reduce((sum, one) => sum + mismatchCount(one), 0),
      );
      const pings = all.flatMap((one) => one.pings);
      const lost = all.flatMap(({ fellows = [] }) => fellows).filter(({ reach }) => reach === 'unreachable');
      unreached.set({ network }, lost.length);
      for (const result of RESULTS) hosts.set({ network, result }, countOf(all, result));
      for (const { reach, rttMs } of pings)
        if (reach === 'ok' && rttMs !== undefined) rtt.observe({ network }, rttMs / 1000);
      const bad = pings.filter(({ reach }) => reach !== 'ok').slice(0, room);
      for (const { node: to, reach: result } of bad) failed.set({ network, to, result }, 1);
      room -= bad.length;
    }
  };
}

/** Several networks of one name have one series. */
function byName(networks: readonly NetworkFindings[]): Map<string, NetworkFindings[]> {
  const named = new Map<string, NetworkFindings[]>();
  for (const network of networks) named.set(network.name, [...(named.get(network.name) ?? []), network]);
  return named;
}

/** An embedded DNS that does not answer at all is wrong about every name. */
function mismatchCount({ dns: { odd, omitted, failure, asked } }: NetworkFindings): number {
  return failure === undefined ? odd.length + omitted : asked;
}

/** A network that could not be entered counts as one host that could not be tried. */
function countOf(networks: readonly NetworkFindings[], result: Reach): number {
  return networks.reduce((sum, { pings, failure }) => {
    const unentered = failure !== undefined && result === 'failed' ? 1 : 0;
    return sum + unentered + pings.filter(({ reach }) => reach === result).length;
  }, 0);
}
