import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureDebianPackages } from './packages.ts';

/** Everything the integration and end-to-end tests start. */
const DEBIAN_PACKAGES = [
  'docker.io',
  'containerd',
  'runc',
  'iptables',
  'iproute2',
  'iputils-ping',
  'dnsutils',
  'etcd-server',
  'zookeeper',
  'default-jre-headless',
  'busybox-static',
  'debootstrap',
  'prometheus',
  'systemd',
  'git',
  'gnupg',
  'openssh-server',
  'openssl',
  'pre-commit',
];

const SLOWEST = 60;

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

type Check = readonly [name: string, script: string];

/** The checks that are no tests of their own; each counts as one. Two lines of them that take about equally long, side by side. */
const CHECKS: readonly (readonly Check[])[] = [
  [['lint', 'lint']],
  [
    ['types', 'typecheck'],
    ['format', 'format'],
    ['unused exports', 'unused'],
    ['build', 'build'],
  ],
];

const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
// Hundreds of agents and command lines are started from their sources: each is compiled once.
const compiled = await mkdtemp(join(tmpdir(), 'ovr-compiled-'));
process.env['NODE_COMPILE_CACHE'] = compiled;
try {
  const packages = ensureDebianPackages(DEBIAN_PACKAGES);
  packages.catch(() => undefined); // it is awaited below, when the checks have ended
  await Promise.all(CHECKS.map((line) => runChecks(line, totals)));
  await packages;
  await runTests(totals);
} finally {
  await rm(compiled, { recursive: true, force: true });
}
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;

/** Runs checks one after the other, and shows what each has said once it has ended: another line of them is at work. */
async function runChecks(checks: readonly Check[], sum: Totals): Promise<void> {
  for (const [name, script] of checks) {
    const { code, output } = await runQuietly('npm', ['run', '--silent', script]);
    if (code === 0) sum.passed += 1;
    else sum.failed += 1;
    process.stdout.write(output);
    console.log(code === 0 ? `ok: ${name}` : `FAILED: ${name} (npm run ${script})`);
  }
}

/** Runs vitest and adds up its report; a run without a report, or one that ends badly with no failed test, is a failure. */
async function runTests(sum: Totals): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'ovr-test-'));
  const report = join(dir, 'report.json');
  try {
    const code = await run('vitest', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    const text = await readFile(report, 'utf8');
    printSlowest(text);
    const counted = readReport(text);
    sum.passed += counted.passed;
    sum.failed += counted.failed + (code !== 0 && counted.failed === 0 ? 1 : 0);
    sum.skipped += counted.skipped;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Says which files to look at when the run takes too long. */
function printSlowest(text: string): void {
  const { testResults } = JSON.parse(text) as {
    testResults: readonly { name: string; startTime: number; endTime: number }[];
  };
  const files = testResults.map(({ name, startTime, endTime }) => ({ name, ms: endTime - startTime }));
  console.log(`The ${SLOWEST} slowest test files:`);
  for (const { name, ms } of files.sort((a, b) => b.ms - a.ms).slice(0, SLOWEST))
    console.log(`  ${(ms / 1_000).toFixed(1).padStart(6)} s  ${relative(process.cwd(), name)}`);
}

function readReport(text: string): Totals {
  const report = JSON.parse(text) as Record<string, unknown>;
  const count = (field: string): number => Number(report[field] ?? 0);
  const totalsOfRun = {
    passed: count('numPassedTests'),
    failed: count('numFailedTests') + count('numRuntimeErrorTestSuites'),
    skipped: count('numPendingTests') + count('numTodoTests'),
  };
  if (totalsOfRun.passed === 0) throw new Error('no test ran');
  return totalsOfRun;
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** As `run`, but what it prints is returned. */
function runQuietly(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
