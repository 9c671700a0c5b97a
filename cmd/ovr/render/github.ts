import type { Diagnostic } from '../../../pkg/api/index.ts';
import { oneLine } from './text.ts';

/** A workflow command of GitHub Actions, which shows as an annotation at the line. */
export function githubCommand({ severity, file, line, column, code, message }: Diagnostic): string {
  const properties = { file, line: String(line), col: String(column), title: code };
  const written = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(value)}`);
  return `::${severity} ${written.join(',')}::${escapeData(oneLine(message))}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** In a property, what ends one must be escaped too. */
function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
