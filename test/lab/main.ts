/** The command line of the lab: `npm run lab -- up --topology kv`. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { once } from 'node:events';
import { type LabOptions, attachLab, listLabs, startLab, stopLab } from './lab.ts';
import { refusal } from './requirements.ts';
import { describeLab, printLab } from './report.ts';

interface UpFlags extends LabOptions {
  daemonArg: string[];
}

function repeated(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('Give a whole number.');
  return value;
}

async function up({ daemonArg, ...flags }: UpFlags): Promise<void> {
  const started = performance.now();
  const lab = await startLab({ ...flags, daemonArgs: daemonArg, keep: true });
  printLab(await describeLab(lab.name));
  console.log(`up in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function down({ name, all }: { name: string; all?: boolean }): Promise<void> {
  const known = await listLabs();
  const names = all === true ? known : [name];
  for (const each of names) {
    await stopLab(each);
    console.log(`lab "${each}" ${known.includes(each) ? 'is removed' : 'was not there'}`);
  }
  if (names.length === 0) console.log('there is no lab');
}

async function status({ output }: { output: string }): Promise<void> {
  const labs = await Promise.all((await listLabs()).map(describeLab));
  if (output === 'json') console.log(JSON.stringify(labs, null, 2));
  else if (labs.length === 0) console.log('there is no lab; "npm run lab -- up --topology kv" makes one');
  else labs.forEach(printLab);
}

async function exec(host: string, cmd: string[], { name }: { name: string }): Promise<void> {
  const lab = await attachLab(name);
  const child = lab.host(host).spawn(cmd[0] === '--' ? cmd.slice(1) : cmd, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 128;
}

function program(): Command {
  const nameOption = (): Option => new Option('--name <name>', 'which lab').default('lab');
  const lab = new Command('lab').description(
    'Real Docker hosts on this machine, joined by real overlay networks.',
  );
  lab.enablePositionalOptions().exitOverride();
  lab
    .command('up')
    .description('start a lab; does nothing when it is up')
    .addOption(
      new Option('--topology <kind>', 'how the daemons are joined')
        .choices(['kv', 'swarm', 'single'])
        .makeOptionMandatory(),
    )
    .option('--hosts <n>', 'how many hosts (default: 3, single: 1)', wholeNumber)
    .addOption(nameOption())
    .addOption(
      new Option('--engine <kind>', 'debian: Docker 20.10, newer: Docker 26.1')
        .choices(['debian', 'newer'])
        .default('debian'),
    )
    .option('--daemon-arg <flag>', 'added to the flags of each dockerd; may be repeated', repeated, [])
    .action(up);
  lab
    .command('down')
    .description('remove a lab, also what a crash left of it')
    .addOption(nameOption())
    .option('--all', 'remove all labs')
    .action(down);
  lab
    .command('status')
    .description('show all labs')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .action(status);
  lab
    .command('exec')
    .description('run a command in the network of a host, with DOCKER_HOST set to its daemon')
    .argument('<host>')
    .argument('<cmd...>')
    .addOption(nameOption())
    .passThroughOptions()
    .action(exec);
  return lab;
}

async function main(): Promise<void> {
  try {
    const wantsHelp = process.argv.slice(2).some((arg) => ['-h', '--help', 'help'].includes(arg));
    const reason = wantsHelp ? undefined : await refusal();
    if (reason !== undefined) throw new Error(reason);
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode; // it has said what is wrong
      return;
    }
    console.error(`ovr lab: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

await main();
