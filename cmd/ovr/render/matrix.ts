import type { CheckedNetwork } from '../../../pkg/check/index.ts';
import { SHORT_ID } from './columns.ts';
import type { Paint } from './paint.ts';
import { renderTable, type Cell } from './table.ts';
import { count } from './text.ts';

type Way = CheckedNetwork['cells'][number];

const SHOWN: Readonly<Record<Exclude<Way['reach'], 'ok'>, string>> = {
  mtu: 'MTU',
  unreachable: 'unreachable',
  'no-answer': 'no answer',
  failed: 'failed',
  untried: 'untried',
};

/** One network: who reaches whom. Rows are where from, columns where to. */
export async function renderMatrix(
  { name, id, driver, mtu, hosts, names, cells }: CheckedNetwork,
  { paint, isWide }: { paint: Paint; isWide: boolean },
): Promise<string> {
  const size = mtu === 0 ? '' : `, MTU ${mtu}`;
  const wide = isWide ? `, ID ${id.slice(0, SHORT_ID)}` : '';
  const title = `${paint('bold', name)} (${driver}${size}, ${count(names, 'name')}${wide})`;
  const ways = new Map(cells.map((cell) => [`${cell.from} ${cell.to}`, cell]));
  const rows = hosts.map((from) => [from, ...hosts.map((to) => show(ways.get(`${from} ${to}`), paint))]);
  return `${title}\n${await renderTable(['FROM / TO', ...hosts], rows)}`;
}

function show(way: Way | undefined, paint: Paint): Cell {
  if (!way) return '';
  if (way.reach === 'ok') return way.rttMs === undefined ? 'ok' : formatRtt(way.rttMs);
  const text = SHOWN[way.reach];
  return { text, painted: paint('red', text) };
}

/** `0.24ms`, `12.3ms`, `340ms`. */
function formatRtt(ms: number): string {
  const digits = ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return `${ms.toFixed(digits)}ms`;
}
