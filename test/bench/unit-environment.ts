import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const UNIT = join(import.meta.dirname, '../../deploy/systemd/ovrd.service');

/** The variables that the shipped unit sets: what is measured runs as it does for users. */
export function unitEnvironment(): Record<string, string> {
  const lines = readFileSync(UNIT, 'utf8').matchAll(/^Environment=(.*)$/gm);
  const settings = [...lines].flatMap(([, line = '']) => line.split(' '));
  return Object.fromEntries(
    settings.map((setting) => {
      const end = setting.indexOf('=');
      return [setting.slice(0, end), setting.slice(end + 1)];
    }),
  );
}
