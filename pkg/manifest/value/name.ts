import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

/** Docker's own rule: two characters at least. */
export const CONTAINER_NAME_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9_.-]+$';
export const NETWORK_NAME_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9_.-]*$';
/** One label of a DNS name; names above it work in Docker but not in every resolver. */
export const MAX_DNS_LABEL = 63;

const CONTAINER_NAME = new RegExp(CONTAINER_NAME_PATTERN);
const NETWORK_NAME = new RegExp(NETWORK_NAME_PATTERN);
const MAX_NAME = 255;
const MAX_DNS_NAME = 253;
const DNS_LABEL = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/;
/** What the containers of an update are called besides: the old one, the new one, one that steps aside. */
const RESERVED_SUFFIXES = ['.ovr-old', '.ovr-new', '.ovr-aside'];
const PREDEFINED_NETWORKS = ['bridge', 'host', 'none', 'default', 'ingress', 'docker_gwbridge'];
const NETWORK_MODES: Readonly<Record<string, string>> = {
  host: "ovr does not run containers in the host's network; publish ports instead",
  none: 'write networks: [] for a container without a network',
  default: 'leave networks out for the default bridge',
};

/** The name of a Container object, which is the container's. */
export function parseContainerName(text: string): Parsed<string> {
  if (!CONTAINER_NAME.test(text)) return reject(nameProblem(text, 'two characters at least: '));
  if (text.length > MAX_NAME)
    return reject(`the name has ${text.length} characters; the most is ${MAX_NAME}`);
  const reserved = RESERVED_SUFFIXES.find((suffix) => text.endsWith(suffix));
  if (reserved !== undefined) {
    return reject(
      `names that end in ${reserved} are for containers being replaced; choose another`,
      'name-reserved',
    );
  }
  return accept(text);
}

/** The name of a Network object, which is the network's. */
export function parseNetworkName(text: string): Parsed<string> {
  if (!NETWORK_NAME.test(text)) return reject(nameProblem(text, ''));
  if (text.length > MAX_NAME)
    return reject(`the name has ${text.length} characters; the most is ${MAX_NAME}`);
  if (PREDEFINED_NETWORKS.includes(text)) {
    return reject(`${text} is one of Docker's own networks; choose another name`, 'name-reserved');
  }
  return accept(text);
}

/** The network of a container: declared, existing or `bridge`, but none of Docker's modes that are no network. */
export function parseNetworkReference(text: string): Parsed<string> {
  const mode = text.startsWith('container:')
    ? "ovr does not share another container's network; attach both to one network"
    : Object.hasOwn(NETWORK_MODES, text) && NETWORK_MODES[text];
  if (mode) return reject(mode, 'network-mode-unsupported');
  return NETWORK_NAME.test(text) ? accept(text) : reject(nameProblem(text, ''), 'name-invalid');
}

/** An extra DNS name, in lower case since resolvers ask in it. */
export function parseAlias(text: string): Parsed<string> {
  const alias = text.toLowerCase();
  const problem = dnsProblem(alias);
  return problem === undefined ? accept(alias) : reject(`${quote(text)} is no DNS name: ${problem}`);
}

/** The name of an Alias object: as an alias, and written as resolvers ask for it, so that no two objects differ by case alone. */
export function parseAliasName(text: string): Parsed<string> {
  const parsed = parseAlias(text);
  if (!parsed.ok || parsed.value === text) return parsed;
  return reject(`${quote(text)}: write the name in lower case, ${parsed.value}`);
}

/** A container's own host name, as written. */
export function parseHostname(text: string): Parsed<string> {
  const problem =
    text.length > MAX_DNS_LABEL ? `the most is ${MAX_DNS_LABEL} characters` : dnsProblem(text.toLowerCase());
  return problem === undefined ? accept(text) : reject(`${quote(text)} is no host name: ${problem}`);
}

function dnsProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > MAX_DNS_NAME) return `the most is ${MAX_DNS_NAME} characters`;
  for (const part of name.split('.')) {
    if (part.length > MAX_DNS_LABEL) return `each part between dots has at most ${MAX_DNS_LABEL} characters`;
    if (!DNS_LABEL.test(part))
      return "each part between dots is letters, digits, '-' and '_', with no '-' at its ends";
  }
  return undefined;
}

function nameProblem(text: string, length: string): string {
  return `Docker refuses the name ${quote(text)}; use ${length}a letter or digit first, then letters, digits, '_', '.' and '-'`;
}
