import { describe, expect, it } from 'vitest';
import { container } from '../../test/build/objects.ts';
import { converged } from '../../test/build/simulated.ts';
import { OvrError } from '../api/index.ts';
import { withoutSecrets } from './without-secrets.ts';

const failed = (message: string): OvrError =>
  new OvrError('invalid-request', 'invalid', message, { cause: new Error(message) });

describe('withoutSecrets', () => {
  it.each([
    ['a value', 'bad variable: A=hunter2', ['hunter2'], 'bad variable: A=***'],
    ['a value twice', 'hunter2 and hunter2', ['hunter2'], '*** and ***'],
    ['a line of a value', 'bad: second line', ['first line\nsecond line'], 'bad: ***'],
    ['all lines of a value', 'first line\nsecond line', ['first line\nsecond line'], '***'],
    ['one that is part of another', 'longer-secret secret', ['secret', 'longer-secret'], '*** ***'],
  ])('hides %s', (_, message, secrets, expected) => {
    const error = withoutSecrets(failed(message), secrets);
    expect(error).toMatchObject({ message: expected, code: 'invalid-request', kind: 'invalid' });
    expect(error.cause).toBeUndefined();
  });

  it('leaves alone what tells nothing, and what is in every message by chance', () => {
    const error = failed('container web: no');
    expect(withoutSecrets(error, ['hunter2', 'no', ''])).toBe(error);
  });
});

it('an engine that quotes a value file tells nobody', async () => {
  const web = container('web-1', { env: [{ name: 'A', file: '/run/secrets/a' }] });
  const { world, agent } = await converged([]);
  world.faults = ({ operation, phase }) => {
    if (operation === 'createContainer' && phase === 'before')
      throw failed('invalid environment variable: A=content of /run/secrets/a');
    return undefined;
  };
  agent.source.declare(web);
  await agent.run();
  const told = JSON.stringify([agent.reconciler.status(), agent.reconciler.events(0)]);
  expect(told).toContain('invalid environment variable: A=***');
  expect(told).not.toContain('content of');
});
