import { oneLine } from './text.ts';

/** A cell, or a cell with what it looks like on a terminal. */
export type Cell = string | { readonly text: string; readonly painted: string };

const BORDERS = [
  ...['top', 'top-mid', 'top-left', 'top-right'],
  ...['bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
];

/** Columns under headings without lines between, as kubectl prints them. Empty cells show as `-`. */
export async function renderTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const noBorders = Object.fromEntries(BORDERS.map((border) => [border, '']));
  const table = new Table({
    head: [...head],
    chars: { ...noBorders, middle: '   ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => row.map(showCell)));
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function showCell(cell: Cell): string {
  const text = oneLine(typeof cell === 'string' ? cell : cell.text) || '-';
  return typeof cell !== 'string' && cell.text === text ? cell.painted : text;
}
