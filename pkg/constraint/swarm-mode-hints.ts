import ipaddr from 'ipaddr.js';

/** What a name or a label's value hardly ever holds, and a pattern does. */
const PATTERN = /[*|^$\\]|\[.+\]|^\/.*\/$/;
/** The engine tells the machine's name, not Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  arm64: 'aarch64',
  arm: 'armv7l',
  '386': 'i686',
};
const SYSTEMS = ['linux', 'windows'];
/** Characters of an ID of Swarm mode; an engine's own ID is longer. */
const ID_LENGTH = 25;

/**
 * Why a Swarm-mode constraint very likely means something else than its author thinks, with the mend; undefined where it does not.
 * The key is in lower case, the value parses.
 */
export function swarmModeHint(key: string, value: string): string | undefined {
  if (key === 'node.ip') return hostBitsHint(value);
  if (PATTERN.test(value)) {
    return `Swarm-mode keys compare '${value}' as it stands; for a pattern use a classic key, for example node==${value}`;
  }
  const lower = value.toLowerCase();
  if (key === 'node.platform.arch' && Object.hasOwn(ARCHITECTURES, lower)) {
    return `engines report ${ARCHITECTURES[lower] ?? ''}, not ${value}`;
  }
  if (key === 'node.platform.os' && !SYSTEMS.includes(lower)) {
    return `engines report ${SYSTEMS.join(' or ')}, not ${value}; the classic key operatingsystem has the distribution`;
  }
  if (key === 'node.id' && value.length < ID_LENGTH) {
    return `a whole ID is compared, and '${value}' is shorter than one; write all of it, or node.hostname==NAME`;
  }
  return undefined;
}

function hostBitsHint(value: string): string | undefined {
  const [address = '', prefix] = value.split('/');
  if (prefix === undefined || !ipaddr.IPv4.isValid(address)) return undefined;
  const network = ipaddr.IPv4.networkAddressFromCIDR(value).toString();
  if (network === address) return undefined;
  return `this is the whole network ${network}/${prefix}; write ${address} alone for that one address`;
}
