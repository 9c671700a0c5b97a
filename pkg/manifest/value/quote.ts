const MAX_SHOWN = 60;
/** Characters that do not show, or that turn the text around them on a terminal. */
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A user's text for a message: in quotes, cut to 60 characters, with nothing that a terminal would obey. */
export function quote(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return `"${printable(shown.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

/** A text with nothing in it that a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(INVISIBLE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
