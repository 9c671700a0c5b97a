import type { Ulimit } from '../objects.ts';
import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';
import { didYouMean } from './suggest.ts';

const CAPABILITIES = (
  'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER ' +
  'FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE ' +
  'SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM ALL'
).split(' ');
const SIGNALS = (
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT RTMAX RTMIN SEGV STKFLT STOP SYS TERM ' +
  'TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'
).split(' ');
const ULIMITS =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  );
const MAX_SIGNAL = 64;
const UNLIMITED = -1;

/** A Linux capability in the engine's own form, without `CAP_`. */
export function parseCapability(text: string): Parsed<string> {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  if (CAPABILITIES.includes(name)) return accept(name);
  return reject(`${quote(text)} is no Linux capability${didYouMean(name, CAPABILITIES)}`);
}

/** A signal by name or number, as `SIGTERM` or `15`. */
export function parseSignal(text: string): Parsed<string> {
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_SIGNAL) return accept(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (SIGNALS.includes(name) || /^RT(MIN\+|MAX-)([1-9]|1[0-5])$/.test(name)) return accept(`SIG${name}`);
  const known = SIGNALS.map((signal) => `SIG${signal}`);
  return reject(`${quote(text)} is no signal${didYouMean(`SIG${name}`, known)}`);
}

/** `name=soft[:hard]`; -1 means no limit. */
export function parseUlimit(text: string): Parsed<Ulimit> {
  const match = /^([a-z]+)=(-1|\d{1,15})(?::(-1|\d{1,15}))?$/.exec(text);
  if (!match) return reject(`${quote(text)} is no limit; write for example nofile=1024:2048`);
  const soft = Number(match[2]);
  return checkUlimit({ name: match[1] ?? '', soft, hard: match[3] === undefined ? soft : Number(match[3]) });
}

/** The rules for a limit that is written out. */
export function checkUlimit(limit: Ulimit): Parsed<Ulimit> {
  const { name, soft, hard } = limit;
  if (!ULIMITS.includes(name)) {
    return reject(`${quote(name)} is no limit${didYouMean(name, ULIMITS)} (known: ${ULIMITS.join(', ')})`);
  }
  if (hard !== UNLIMITED && (soft === UNLIMITED || soft > hard)) {
    return reject(`${name}: the soft limit ${soft} is above the hard limit ${hard}`);
  }
  return accept(limit);
}
