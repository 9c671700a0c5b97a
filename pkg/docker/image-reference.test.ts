import { describe, expect, it } from 'vitest';
import { imagePath, pullReference } from './image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('an image reference', () => {
  it.each([
    ['nginx', 'nginx', 'latest'],
    ['nginx:1.27', 'nginx', '1.27'],
    ['registry:5000/nginx', 'registry:5000/nginx', 'latest'],
    ['registry:5000/a/nginx:1', 'registry:5000/a/nginx', '1'],
    [`nginx@${DIGEST}`, 'nginx', DIGEST],
    [`registry:5000/nginx:1.27@${DIGEST}`, 'registry:5000/nginx', DIGEST],
  ])('%s is pulled as %s and %s', (image, fromImage, tag) => {
    expect(pullReference(image)).toEqual({ fromImage, tag });
  });

  it.each([
    ['registry:5000/a/nginx:1', 'registry:5000/a/nginx:1'],
    [`nginx@${DIGEST}`, `nginx@${DIGEST}`],
    ['odd?name#x', 'odd%3Fname%23x'],
  ])('%s is the path %s', (image, path) => {
    expect(imagePath(image)).toBe(path);
  });
});
