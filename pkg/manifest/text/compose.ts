import { Composer, Lexer, LineCounter, Parser, type CST, type Document, type ParsedNode } from 'yaml';
import { MAX_DEPTH, MAX_PROBLEMS } from './limits.ts';
import type { Problem } from './problem.ts';

export interface Composed {
  /** Absent when the text is no YAML. */
  readonly root?: ParsedNode;
  readonly problems: readonly Problem[];
  readonly lines: LineCounter;
}

/** Duplicate keys are found by `toPlain`, in linear time; aliases are resolved there too. */
const OPTIONS = {
  uniqueKeys: false,
  resolveKnownTags: false,
  logLevel: 'silent',
  prettyErrors: false,
} as const;
const DIRECTIVE = /^(?:[ \t]*(?:#.*)?\r?\n)*%/;
/** The parser's stack holds the document, each open collection, and the value that is being read. */
const MAX_STACK = MAX_DEPTH + 2;

/** Parses one document's text to nodes, never deeper than allowed: the composer recurses, and runs out of stack at ~1,000. */
export function compose(text: string): Composed {
  const lines = new LineCounter();
  if (DIRECTIVE.test(text)) {
    const message = 'directives (%YAML, %TAG) are not supported; remove the line';
    return { lines, problems: [{ code: 'yaml-directive', message, offset: text.indexOf('%') }] };
  }
  const tokens = tokenise(text, lines);
  if (!Array.isArray(tokens)) return { lines, problems: [tokens] };
  const [document] = withoutStackTraces(() => [...new Composer(OPTIONS).compose(tokens, true, text.length)]);
  if (!document) return { lines, problems: [] };
  const problems = problemsOf(document);
  return document.contents && !problems.some(({ code }) => code === 'yaml-syntax')
    ? { root: document.contents, problems, lines }
    : { lines, problems };
}

/** The composer makes an exception for each of what may be 60,000 mistakes; their stack traces are three quarters of its time. */
function withoutStackTraces<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function tokenise(text: string, lines: LineCounter): CST.Token[] | Problem {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_STACK) {
      const message = `lists and maps are nested more than ${MAX_DEPTH} deep; no manifest needs that`;
      return { code: 'nesting-too-deep', message, offset: parser.offset };
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function problemsOf(document: Document.Parsed): Problem[] {
  const errors = document.errors
    .slice(0, MAX_PROBLEMS)
    .map(({ message, pos }): Problem => ({ code: 'yaml-syntax', message, offset: pos[0] }));
  const warnings = document.warnings
    .filter(({ code }) => code === 'TAG_RESOLVE_FAILED')
    .slice(0, MAX_PROBLEMS)
    .map(({ pos }): Problem => ({ code: 'yaml-tag', message: 'unknown tag; remove it', offset: pos[0] }));
  return [...errors, ...warnings];
}
