/** Speaks to a host's daemon over its socket. */
import { createReadStream } from 'node:fs';
import { type RequestOptions, request } from 'node:http';

interface Answer {
  status: number;
  body: string;
}

/** One request to the Docker API; `file` is sent as the body. */
function callEngine(options: RequestOptions, file?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ ...options, host: 'localhost' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', reject);
    if (file === undefined) call.end();
    else createReadStream(file).on('error', reject).pipe(call);
  });
}

/** Whether the daemon answers. */
export async function pingEngine(socketPath: string, timeout = 2_000): Promise<boolean> {
  const answer = await callEngine({ socketPath, path: '/_ping', timeout }).catch(() => undefined);
  return answer?.status === 200;
}

/** The daemon's version, if it answers. */
export async function engineVersion(socketPath: string): Promise<string | undefined> {
  const answer = await callEngine({ socketPath, path: '/version', timeout: 2_000 }).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.body) as { Version?: string }).Version;
}

export async function loadImages(socketPath: string, file: string): Promise<void> {
  const headers = { 'Content-Type': 'application/x-tar' };
  const path = '/images/load?quiet=1';
  const answer = await callEngine({ socketPath, path, method: 'POST', headers, timeout: 30_000 }, file);
  if (answer.status !== 200 || answer.body.includes('"error"')) {
    throw new Error(`the daemon at ${socketPath} did not load the images: ${answer.body.trim()}`);
  }
}
