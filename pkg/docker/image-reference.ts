/** What a pull asks for: the name and, apart from it, the tag or digest. */
export interface PullReference {
  readonly fromImage: string;
  readonly tag: string;
}

/** Without a tag Docker would pull every tag there is, so it is always named. */
export function pullReference(image: string): PullReference {
  const at = image.indexOf('@');
  if (at !== -1) return { fromImage: withoutTag(image.slice(0, at)), tag: image.slice(at + 1) };
  const name = withoutTag(image);
  return { fromImage: name, tag: name === image ? 'latest' : image.slice(name.length + 1) };
}

/** A colon before the last slash belongs to the registry's port. */
function withoutTag(image: string): string {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? image.slice(0, colon) : image;
}

/** An image name as part of a path: its slashes, colons and its @ stand as they are. */
export function imagePath(image: string): string {
  return encodeURIComponent(image).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@');
}
