import { OvrError } from '../api/index.ts';

/** The oldest API that has what ovr needs: network-scoped aliases and in-place updates (Docker 1.10). */
export const OLDEST_API = '1.22';
/** The newest API that the adapter was written for (Docker 27). Newer engines still speak it. */
export const NEWEST_API = '1.47';

const FORM = /^(\d{1,3})\.(\d{1,3})$/;

/** Whether it reads like `1.41`. */
export function isApiVersion(text: string): boolean {
  return FORM.test(text);
}

/** Whether `version` is `wanted` or newer: by numbers, since 1.9 is older than 1.22. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [major, minor] = numbers(version);
  const [wantedMajor, wantedMinor] = numbers(wanted);
  return major === wantedMajor ? minor >= wantedMinor : major > wantedMajor;
}

function numbers(version: string): [number, number] {
  const match = FORM.exec(version);
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
}

/** The newest version that both sides speak, from the newest that the engine speaks. Fails with `api-version`. */
export function agreedVersion(newestOfEngine: string): string {
  if (!isAtLeast(newestOfEngine, OLDEST_API)) {
    const message = `The engine speaks Docker API ${newestOfEngine} at most; ovr needs ${OLDEST_API} (Docker 1.10) or newer. Upgrade Docker.`;
    throw new OvrError('api-version', 'invalid', message);
  }
  return isAtLeast(newestOfEngine, NEWEST_API) ? NEWEST_API : newestOfEngine;
}
