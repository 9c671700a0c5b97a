import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { errorMessage } from '../api/index.ts';
import { loadFile, PARSE_FAILED } from './load.ts';
import { lookAtFolder, scanFolder } from './look.ts';
import { parseManifest } from '../manifest/index.ts';
import { READY_ID, type Answer, type Letter, type Question, type Reply } from './protocol.ts';
import { readVariableFiles } from './variable-file.ts';
import { WriterScan } from './writers.ts';

/**
 * The worker thread: the only place that touches manifest files and parses YAML. It may block, run out of memory or be
 * ended at any moment; it keeps nothing that matters.
 */
const writerScan = new WriterScan();

function answer(question: Question): Answer | Promise<Answer> {
  switch (question.op) {
    case 'look':
      return lookAtFolder(question.request);
    case 'scan':
      return scanFolder(question.dir, () => nextTurn());
    case 'load':
      return question.requests.map((request) =>
        loadFile(question.dir, request, {
          parse: (text, file) => parseManifest(text, file, question.variables),
          writers: (inode) => writerScan.check(inode, question.round),
        }),
      );
    case 'parse':
      return parseText(question);
    case 'variables':
      return readVariableFiles(question.files);
  }
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
