/** The engine adapter over TLS with certificates of both sides, as `dockerd --tlsverify` wants them. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Server, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DockerEngineOptions } from '../../pkg/docker/index.ts';
import { ScriptedEngine, adapterOn, playHost } from '../faultproxy/index.ts';

const run = promisify(execFile);

let folder: string;
let scripted: ScriptedEngine;
let server: Server;
let port: number;

/** Makes a key and a certificate that `ca` signs, or itself. */
async function certificate(name: string, ca?: string): Promise<void> {
  const [key, cert, request] = ['key', 'cert', 'csr'].map((kind) => join(folder, `${name}-${kind}.pem`)) as [
    string,
    string,
    string,
  ];
  const subject = ['-subj', `/CN=${name}`, '-nodes', '-newkey', 'rsa:2048', '-keyout', key];
  if (ca === undefined) {
    await run('openssl', ['req', '-x509', '-days', '2', ...subject, '-out', cert]);
    return;
  }
  await run('openssl', ['req', ...subject, '-out', request]);
  const names = join(folder, 'names.cnf');
  await writeFile(names, 'subjectAltName=IP:127.0.0.1\n');
  const signer = [
    '-CA',
    join(folder, `${ca}-cert.pem`),
    '-CAkey',
    join(folder, `${ca}-key.pem`),
    '-CAcreateserial',
  ];
  await run('openssl', [
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    request,
    ...signer,
    '-extfile',
    names,
    '-out',
    cert,
  ]);
}

function pem(name: string): Promise<string> {
  return readFile(join(folder, `${name}.pem`), 'utf8');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovr-tls-'));
  await certificate('ca');
  await certificate('other-ca');
  await certificate('server', 'ca');
  await certificate('client', 'ca');
  await certificate('stranger', 'other-ca');
  scripted = await ScriptedEngine.start(playHost({}));
  server = createServer(
    {
      key: await pem('server-key'),
      cert: await pem('server-cert'),
      ca: await pem('ca-cert'),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (client) => {
      const engine = connect(scripted.socketPath);
      client.pipe(engine).pipe(client);
      client.on('error', () => engine.destroy());
      engine.on('error', () => client.destroy());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  server.close();
  await scripted.close();
  await rm(folder, { recursive: true, force: true });
});

async function facts(tls?: DockerEngineOptions['tls']): Promise<unknown> {
  return adapterOn(`tcp://127.0.0.1:${port}`, tls === undefined ? {} : { tls }).facts();
}

async function identity(name: string): Promise<{ cert: string; key: string }> {
  return { cert: await pem(`${name}-cert`), key: await pem(`${name}-key`) };
}

describe('an engine behind TLS', () => {
  it('answers one whom it knows and who knows it', async () => {
    const known = { ca: await pem('ca-cert'), ...(await identity('client')) };
    expect(await facts(known)).toHaveProperty('kind', 'plain');
  });

  it('is not believed when another authority vouches for it', async () => {
    const doubting = { ca: await pem('other-ca-cert'), ...(await identity('client')) };
    await expect(facts(doubting)).rejects.toMatchObject({ code: 'engine-unreachable', kind: 'transient' });
    expect(await facts({ ...doubting, verify: false })).toHaveProperty('kind', 'plain');
  });

  it('refuses one without a certificate, one with the wrong one, and one without TLS', async () => {
    const ca = await pem('ca-cert');
    for (const tls of [{ ca }, { ca, ...(await identity('stranger')) }, undefined]) {
      await expect(facts(tls)).rejects.toMatchObject({ code: 'engine-unreachable', kind: 'transient' });
    }
  });
});
