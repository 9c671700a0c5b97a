const PLAIN_BEFORE_REPEAT = /[a-z0-9_-][?+]/i;
const ENDS_IN_DIGIT = /(?:\d|\[[^\]]*\d[^\]]*\])$/;
const UPPER_CASE_NAME = /^[\w.-]*[A-Z][\w.-]*$/;
const EVERYTHING = /^(?:\*+|\/\/|\/\.\*\/)$/;
const LABELS_PREFIX = /^(?:node[-_])?labels?[.-](.+)$/i;

/** Keys of Swarm mode without its `node.`: as a classic key each is a label of the daemon. The values tell which is meant. */
const LOOK_ALIKES: readonly { key: RegExp; value: RegExp; meant: string }[] = [
  { key: /^(?:host|node)[-_]?name$/i, value: /./, meant: 'node.hostname' },
  { key: /^role$/i, value: /^(?:manager|worker)$/i, meant: 'node.role' },
  { key: /^(?:node[-_]?)?ip$/i, value: /^\d+\.\d+\.\d+\.\d+/, meant: 'node.ip' },
  { key: /^arch(?:itecture)?$/i, value: /^(?:x86_64|aarch64|amd64|arm64)$/i, meant: 'node.platform.arch' },
  { key: /^os$/i, value: /^(?:linux|windows)$/i, meant: 'node.platform.os' },
];

/** Why a classic constraint very likely means something else than its author thinks, with the mend; undefined where it does not. */
export function classicHint(key: string, operator: '==' | '!=', value: string): string | undefined {
  return (
    keyHint(key, value) ?? everythingHint(key, operator, value) ?? caseHint(key, value) ?? patternHint(value)
  );
}

function keyHint(key: string, value: string): string | undefined {
  const label = LABELS_PREFIX.exec(key)?.[1];
  if (label !== undefined)
    return `'${key}' is read as a daemon label of that name; write node.labels.${label}`;
  const found = LOOK_ALIKES.find((entry) => entry.key.test(key) && entry.value.test(value));
  return found && `'${key}' is read as a daemon label of that name; write ${found.meant} for the node's own`;
}

function everythingHint(key: string, operator: '==' | '!=', value: string): string | undefined {
  if (!EVERYTHING.test(value)) return undefined;
  if (operator === '!=') return 'no node meets this; remove it';
  return key === 'node'
    ? 'every node meets this; remove it'
    : `every node meets this, one without the label ${key} too; write ${key}==/./ for those that have it`;
}

function caseHint(key: string, value: string): string | undefined {
  if (key === 'node' && UPPER_CASE_NAME.test(value)) {
    return `'node' minds case, and host names are mostly in lower case; node.hostname==${value} does not mind it`;
  }
  if (key === 'operatingsystem' && /^[a-z]/.test(value) && !/^(?:open|mac)/.test(value)) {
    return 'case matters, and engines report names such as Debian GNU/Linux 12 or Ubuntu 24.04';
  }
  if ((key === 'ostype' || key === 'storagedriver') && /[A-Z]/.test(value)) {
    return `case matters, and engines report the ${key} in lower case`;
  }
  return undefined;
}

function patternHint(value: string): string | undefined {
  if (isSlashed(value)) {
    const pattern = value.slice(1, -1);
    if (!ENDS_IN_DIGIT.test(pattern)) return undefined;
    return `an expression is not anchored, so this one fits ...10 where ...1 is meant; write /${pattern}$/`;
  }
  if (value.includes('|') && !value.startsWith('(')) {
    return `'${value}' means: starts or ends with one of these; write (${value}) for exactly one of them`;
  }
  if (!PLAIN_BEFORE_REPEAT.test(value)) return undefined;
  return '? and + repeat the character before them; write . for any one character, * for any text';
}

/** Whether a value is a regular expression. */
export function isSlashed(value: string): boolean {
  return value.length > 1 && value.startsWith('/') && value.endsWith('/');
}
