/** A tiny image of busybox under four names, the same on every host. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './run.ts';

/** What each image runs when no command is given; all else is the same. */
const images: { tags: string[]; cmd: string[] }[] = [
  { tags: ['busybox:latest'], cmd: ['sh'] },
  {
    tags: ['nginx:1.27', 'nginx:latest'],
    // a page that tells which container answered
    cmd: ['sh', '-c', 'mkdir -p /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www'],
  },
  { tags: ['ssh:latest'], cmd: ['nc', '-ll', '-p', '22', '-e', 'cat'] },
];

const architectures: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const created = '2024-01-01T00:00:00Z';

async function makeLayer(folder: string, layer: string): Promise<string> {
  const files = join(folder, 'files');
  for (const part of ['bin', 'etc', 'root', 'tmp', 'var', 'www'])
    await mkdir(join(files, part), { recursive: true });
  await copyFile('/bin/busybox', join(files, 'bin/busybox'));
  const applets = (await must(['/bin/busybox', '--list'])).split('\n').filter((name) => name !== 'busybox');
  await Promise.all(applets.map((name) => symlink('busybox', join(files, 'bin', name))));
  await writeFile(
    join(files, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
  );
  await writeFile(join(files, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await must(['tar', '-c', ...same, '-f', layer, '-C', files, '.']);
  return createHash('sha256')
    .update(await readFile(layer))
    .digest('hex');
}

/** Writes the archive that `docker load` reads, and returns its path. */
export async function makeImageArchive(folder: string): Promise<string> {
  const archive = join(folder, 'archive');
  await mkdir(archive, { recursive: true });
  const diffId = `sha256:${await makeLayer(folder, join(archive, 'layer.tar'))}`;
  const manifest: object[] = [];
  for (const [index, { tags, cmd }] of images.entries()) {
    const config = {
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      created,
      // As PID 1 no busybox program minds SIGTERM; without this every stop waits its whole grace period.
      config: { Cmd: cmd, Env: ['PATH=/bin'], StopSignal: 'SIGKILL' },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, created_by: 'ovr lab' }],
    };
    const file = `${index}.json`;
    await writeFile(join(archive, file), JSON.stringify(config));
    manifest.push({ Config: file, RepoTags: tags, Layers: ['layer.tar'] });
  }
  await writeFile(join(archive, 'manifest.json'), JSON.stringify(manifest));
  const file = join(folder, 'images.tar');
  await must(['sh', '-c', 'exec tar -c -f "$1" -C "$2" $(ls "$2")', 'sh', file, archive]);
  return file;
}
