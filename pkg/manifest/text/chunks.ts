/** The text of one YAML document within a file. */
export interface Chunk {
  readonly text: string;
  /** Lines before it. */
  readonly line: number;
}

const MARKER = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm;
const LINE_BREAK = /\n/g;

/**
 * Cuts a file into its documents, before anything is parsed, so that each can be measured and a broken one hides no other.
 * Exact, since YAML ends a document at `---` or `...` at the start of a line whatever is open there.
 */
export function splitDocuments(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  let [start, line] = [0, 0];
  const cut = (end: number): void => {
    const chunk = text.slice(start, end);
    if (!isBlank(chunk)) chunks.push({ text: chunk, line });
    line += countLines(chunk);
    start = end;
  };
  for (const marker of text.matchAll(MARKER)) {
    const lineEnd = text.indexOf('\n', marker.index);
    if (marker[0] === '---') cut(marker.index);
    else cut(lineEnd < 0 ? text.length : lineEnd + 1);
  }
  cut(text.length);
  return chunks;
}

/** Nothing but markers, comments and white space. */
function isBlank(chunk: string): boolean {
  let from = 0;
  while (from < chunk.length) {
    const end = chunk.indexOf('\n', from);
    const line = chunk
      .slice(from, end < 0 ? chunk.length : end)
      .replace(/^(?:---|\.\.\.)(?=[ \t\r]|$)/, '')
      .trim();
    if (line !== '' && !line.startsWith('#')) return false;
    if (end < 0) return true;
    from = end + 1;
  }
  return true;
}

function countLines(text: string): number {
  return text.match(LINE_BREAK)?.length ?? 0;
}
