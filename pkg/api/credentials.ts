/** `user:password` out of a file that must hold that one line; undefined where it holds something else. */
export function readCredentials(text: string): string | undefined {
  const line = text.replace(/\r?\n$/, '');
  const isLine = /^[^:\s][^:\r\n]*:[^\r\n]+$/.test(line) && !line.includes('\0');
  return isLine ? line : undefined;
}
