import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { errorMessage } from '../api/index.ts';
import { giveBackMemory } from './give-back.ts';
import { loadFiles, PARSE_FAILED } from './load.ts';
import { lookAtFolder, scanFolder } from './look.ts';
import { parseManifest } from '../manifest/index.ts';
import { piecesOf } from './pieces.ts';
import {
  READY_ID,
  type Answer,
  type Letter,
  type LoadAnswer,
  type Question,
  type Reply,
} from './protocol.ts';
import { Sharing } from './sharing.ts';
import type { LoadResult } from './sighting.ts';
import { readVariableFiles } from './variable-file.ts';
import { walkTree } from './walk.ts';
import { WriterScan } from './writers.ts';

/**
 * The worker thread: the only place that touches manifest files and parses YAML. It may block, run out of memory or be
 * ended at any moment; it keeps nothing that matters.
 */
const writerScan = new WriterScan();
/** Pieces that were not asked for yet. */
const rests = new Map<number, LoadResult[][]>();
let lastRest = 0;

function answer(question: Question): Answer | Promise<Answer> {
  switch (question.op) {
    case 'look':
      return lookAtFolder(question.request);
    case 'scan':
      return scanFolder(question.request, () => nextTurn());
    case 'walk':
      return walkTree(question.dir);
    case 'load':
      return load(question);
    case 'more':
      return nextPiece(question.rest);
    case 'parse':
      return parseText(question);
    case 'variables':
      return readVariableFiles(question.files);
    case 'give-back':
      giveBackMemory('thorough');
      return undefined;
  }
}

function load({ dir, requests, round, variables }: Extract<Question, { op: 'load' }>): LoadAnswer {
  const sharing = new Sharing();
  const results = loadFiles(dir, requests, {
    parse: (text, file) => sharing.share(parseManifest(text, file, variables)),
    writers: (inode) => writerScan.check(inode, round),
  });
  lastRest += 1;
  rests.set(lastRest, piecesOf(results));
  return nextPiece(lastRest);
}

function nextPiece(rest: number): LoadAnswer {
  const pieces = rests.get(rest);
  if (pieces === undefined) throw new Error('this thread has no such piece');
  const results = pieces.shift() ?? [];
  if (pieces.length > 0) return { results, rest };
  rests.delete(rest);
  return { results };
}

function parseText({ text, file, variables }: Extract<Question, { op: 'parse' }>): Answer {
  try {
    return parseManifest(text, file, variables);
  } catch {
    return PARSE_FAILED;
  }
}

async function reply({ id, question }: Letter): Promise<Reply> {
  try {
    return { id, type: 'answer', answer: await answer(question) };
  } catch (error) {
    return { id, type: 'failure', message: errorMessage(error) };
  }
}

const port = parentPort;
if (port !== null) {
  port.on('message', (letter: Letter) => void reply(letter).then((message) => port.postMessage(message)));
  port.postMessage({ id: READY_ID, type: 'failure', message: '' } satisfies Reply);
}
