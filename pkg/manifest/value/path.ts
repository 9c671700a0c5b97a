import { quote } from './quote.ts';
import { accept, reject, type Parsed } from './result.ts';

/** Linux's PATH_MAX. */
const MAX_LENGTH = 4096;

/** An absolute path in its shortest form, without `..`. */
export function parsePath(text: string): Parsed<string> {
  if (!text.startsWith('/')) return reject(`${quote(text)} is not an absolute path; start it with /`);
  if (text.length > MAX_LENGTH)
    return reject(`the path has ${text.length} characters; the most is ${MAX_LENGTH}`);
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return reject(`${quote(text)} has '..' in it; write the path it means`);
  return accept(`/${parts.join('/')}`);
}
