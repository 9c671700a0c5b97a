import { readFile } from 'node:fs/promises';

const ROUTE_TABLE = '/proc/self/net/route';

/** CIDRs that this host routes, without the default route; empty where the system does not tell. */
export async function hostRoutes(path = ROUTE_TABLE): Promise<string[]> {
  try {
    return parseRoutes(await readFile(path, 'utf8'));
  } catch {
    return [];
  }
}

/** Reads the kernel's table: a header, then lines whose second and eighth fields are destination and mask, little-endian hex. */
export function parseRoutes(table: string): string[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination, , , , , , mask] = line.split(/\s+/);
      if (!destination || !mask || mask === '00000000') return [];
      const bits = octets(mask).reduce((sum, octet) => sum + octet.toString(2).replaceAll('0', '').length, 0);
      return [`${octets(destination).join('.')}/${bits}`];
    });
}

function octets(littleEndianHex: string): number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(littleEndianHex.slice(at, at + 2), 16));
}
