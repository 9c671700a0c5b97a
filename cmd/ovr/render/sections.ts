/** Names and values in two columns. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length)) + 4;
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}\n`).join('');
}

/** A heading over lines, which move two columns to the right. */
export function section(title: string, lines: string): string {
  return `${title}:\n${lines.replaceAll(/^(?=.)/gm, '  ')}`;
}
