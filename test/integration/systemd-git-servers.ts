/** Runs on the machine of a test: serves the repositories of a folder over ssh and over http, and writes there where they are. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGitHttp, startGitSsh } from '../tools/git-server.ts';

const [folder = '', token = ''] = process.argv.slice(2);
const ssh = await startGitSsh(join(folder, 'ssh'));
const http = await startGitHttp(folder, { token });
const servers = {
  ssh: ssh.urlOf(join(folder, 'repo.git')),
  http: `${http.url}/repo.git`,
  key: ssh.keyFile,
  knownHosts: ssh.knownHostsFile,
};
// Renamed, so that nobody reads half of it.
writeFileSync(join(folder, 'servers.new'), JSON.stringify(servers));
renameSync(join(folder, 'servers.new'), join(folder, 'servers.json'));
