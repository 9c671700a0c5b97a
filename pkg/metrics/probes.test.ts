import { describe, expect, it } from 'vitest';

import type { Findings, NetworkFindings, PingFinding } from '../check/index.ts';
import { createMetrics } from './index.ts';

const found = (
  name: string,
  odd: number,
  pings: readonly PingFinding[],
  fellows: readonly PingFinding[] = [],
): NetworkFindings => ({
  ...{ id: `id-${name}`, name, mtu: 1450, pings, fellows },
  dns: {
    asked: 5,
    untried: 0,
    odd: Array.from({ length: odd }, () => ({ name: 'x', addresses: [] })),
    omitted: 0,
  },
});
const ping = (node: string, reach: PingFinding['reach']): PingFinding => ({
  ...{ node, address: '10.0.9.2', reach },
  ...(reach === 'ok' ? { rttMs: 0.4 } : {}),
});

async function lines(...checks: readonly Findings[]): Promise<string[]> {
  const metrics = createMetrics();
  for (const findings of checks) metrics.probed(findings, 90_000);
  const text = await metrics.render();
  return text.split('\n').filter((line) => /^ovr_(probe|dns)/.test(line));
}

describe('the metrics of checks', () => {
  it('have no series before the first check', async () => {
    expect(await lines()).toEqual([]);
  });

  it('show the newest check', async () => {
    const shown = await lines(
      { networks: [found('gone', 1, [ping('n9', 'mtu')])] },
      {
        networks: [
          found(
            'ovr0',
            0,
            [ping('n1', 'ok'), ping('n2', 'unreachable')],
            [ping('n1', 'unreachable'), ping('n1', 'ok')],
          ),
          found('side', 2, []),
        ],
      },
    );
    expect(shown.filter((line) => !line.includes('_bucket'))).toEqual([
      'ovr_probe_rtt_seconds_sum{network="ovr0"} 0.0004',
      'ovr_probe_rtt_seconds_count{network="ovr0"} 1',
      ...['ok', 'mtu', 'unreachable', 'failed', 'untried'].map(
        (result) => `ovr_probe_hosts{network="ovr0",result="${result}"} ${/^ok|unre/.test(result) ? 1 : 0}`,
      ),
      ...['ok', 'mtu', 'unreachable', 'failed', 'untried'].map(
        (result) => `ovr_probe_hosts{network="side",result="${result}"} 0`,
      ),
      'ovr_probe_failed{network="ovr0",to="n2",result="unreachable"} 1',
      'ovr_probe_unreached{network="ovr0"} 1',
      'ovr_probe_unreached{network="side"} 0',
      'ovr_dns_mismatch{network="ovr0"} 0',
      'ovr_dns_mismatch{network="side"} 2',
      'ovr_probe_last_timestamp_seconds 90',
    ]);
    expect(shown).toContain('ovr_probe_rtt_seconds_bucket{le="0.0005",network="ovr0"} 1');
  });

  it('count what could not be looked at, and one network for all of its name', async () => {
    const shut: NetworkFindings = { ...found('ovr0', 0, []), failure: 'no nsenter' };
    const deaf = found('ovr0', 1, []);
    const silent = { ...deaf, dns: { ...deaf.dns, odd: [], failure: 'no DNS' } };
    const shown = await lines({ networks: [shut, silent] });
    expect(shown).toContain('ovr_probe_hosts{network="ovr0",result="failed"} 1');
    expect(shown).toContain('ovr_dns_mismatch{network="ovr0"} 5');
  });

  it('are bounded', async () => {
    const pings = Array.from({ length: 1_000 }, (_, at) => ping(`n${at}`, 'unreachable'));
    const shown = await lines({ networks: [found('ovr0', 0, pings)] });
    expect(shown.filter((line) => line.startsWith('ovr_probe_failed'))).toHaveLength(100);
    expect(shown).toContain('ovr_probe_hosts{network="ovr0",result="unreachable"} 1000');
  });
});
