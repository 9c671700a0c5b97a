import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runTool, type Run } from './tool.ts';

const run = (script: string, change: Partial<Run> = {}): ReturnType<typeof runTool> =>
  runTool({ argv: ['sh', '-c', script], deadlineMs: 20_000, maxBytes: 10_000, ...change });

/** Whether a process is there and has not ended. */
async function lives(pid: string): Promise<boolean> {
  const stat = await open(`/proc/${pid}/stat`).catch(() => undefined);
  const text = await stat?.readFile('utf8').catch(() => '');
  await stat?.close();
  return text !== undefined && text !== '' && !/\) [ZX] /.test(text);
}

describe('a program', () => {
  it('tells how it ended and what it said, in both ways', async () => {
    expect(await run('echo out; echo err >&2; exit 3')).toEqual({
      ...{ end: 'exit', code: 3, stdout: 'out\n', stderr: 'err\n' },
    });
  });

  it('gets its input and the descriptor, and nothing of our environment', async () => {
    const file = await open('/proc/self/stat');
    try {
      const { stdout } = await run('cat; env | sort; test -e /proc/self/fd/3 && echo there', {
        ...{ input: 'hello\n', descriptor: file.fd },
      });
      expect(stdout).toMatch(/^hello\nLC_ALL=C\nPATH=[^\n]*\nPWD=\/\n(SHLVL=[^\n]*\n)?(_=[^\n]*\n)?there\n$/);
    } finally {
      await file.close();
    }
  });

  it('that is not there is told apart', async () => {
    expect(await run('', { argv: ['no-such-program-at-all'] })).toMatchObject({ end: 'missing', code: -1 });
  });

  it('that hangs is ended at its deadline, with all that it has started', async () => {
    const ran = await run('sleep 1000 & echo $!; wait', { deadlineMs: 500 });
    expect(ran).toMatchObject({ end: 'late', code: -1 });
    await expect.poll(() => lives(ran.stdout.trim()), { timeout: 10_000 }).toBe(false);
  });

  it('that leaves its group behind does not keep us waiting', async () => {
    const ran = await run('setsid sleep 30 & echo $!; wait', { deadlineMs: 500 });
    expect(ran.end).toBe('late');
    process.kill(Number(ran.stdout.trim()), 'SIGKILL');
  });

  it('that talks without end is ended, and only so much is kept', async () => {
    const ran = await run('yes');
    expect(ran.end).toBe('flood');
    expect(ran.stdout.length).toBeLessThanOrEqual(10_000);
  });

  it('that does not read its input is no failure', async () => {
    expect(await run('exec <&-; exit 0', { input: 'x'.repeat(1_000_000) })).toMatchObject({
      end: 'exit',
      code: 0,
    });
  });
});
