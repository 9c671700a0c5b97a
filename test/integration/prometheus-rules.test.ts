/** The shipped alert rules: promtool's own checks, and what promtool cannot check. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { run } from '../lab/run.ts';
import { ensureDebianPackages } from '../tools/packages.ts';

const folder = new URL('../../deploy/prometheus/', import.meta.url).pathname;
const metricsPage = new URL('../../docs/metrics.md', import.meta.url);
const operationsPage = new URL('../../docs/operations.md', import.meta.url);

const rulesFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Ovr[A-Z]/),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

const testsFile = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
});

async function readRules(): Promise<z.infer<typeof rulesFile>['groups'][number]['rules']> {
  const text = await readFile(`${folder}ovr.rules.yaml`, 'utf8');
  return rulesFile.parse(parse(text)).groups.flatMap(({ rules }) => rules);
}

async function promtool(args: string[]): Promise<void> {
  const { code, stdout, stderr } = await run(['promtool', ...args], { cwd: folder });
  expect(code, stdout + stderr).toBe(0);
}

const rules = await readRules();

describe('promtool', () => {
  beforeAll(() => ensureDebianPackages(['prometheus']));

  test('accepts the rules', () => promtool(['check', 'rules', 'ovr.rules.yaml']));
  test('finds that they fire when they should', () => promtool(['test', 'rules', 'ovr.rules.test.yaml']));
  test('accepts the scrape example', () => promtool(['check', 'config', 'scrape.yaml']));
});

describe.each(rules)('$alert', ({ alert, expr, annotations }) => {
  test('has a case that fires and one that does not', async () => {
    const text = await readFile(`${folder}ovr.rules.test.yaml`, 'utf8');
    const cases = testsFile
      .parse(parse(text))
      .tests.flatMap((item) => item.alert_rule_test)
      .filter((item) => item.alertname === alert);
    expect(new Set(cases.map((item) => item.exp_alerts.length > 0))).toEqual(new Set([true, false]));
  });

  test('uses metrics that docs/metrics.md has, with labels that they have', async () => {
    const page = await readFile(metricsPage, 'utf8');
    for (const [, name = '', selector = ''] of expr.matchAll(/\b(ovr_\w+)(?:\{([^}]*)\})?/g)) {
      const row = new RegExp(`^\\| \`${name}(?:\\{([\\w,]+)\\})?\` \\|`, 'm').exec(page);
      expect(row, `${name} is not in docs/metrics.md`).not.toBeNull();
      const used = [...selector.matchAll(/(\w+)\s*=/g)].map((match) => match[1]);
      expect((row?.[1] ?? '').split(',')).toEqual(expect.arrayContaining(used));
    }
  });

  test('says what to do next', () => {
    expect(annotations.description).toMatch(/`(ovr|systemctl|promtool) [a-z]/);
    expect(annotations.summary).not.toMatch(/\n/);
  });

  test('has a row in docs/operations.md', async () => {
    expect(await readFile(operationsPage, 'utf8')).toContain(`| \`${alert}\` |`);
  });
});
