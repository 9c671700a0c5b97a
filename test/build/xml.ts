/** An element of an XML document. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

const CHARACTER = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;
const DECLARATION = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n/;
const NAME = '[A-Za-z_][A-Za-z0-9_.-]*';
const TOKEN = new RegExp(
  `</(?<close>${NAME})\\s*>|<(?<open>${NAME})(?<attributes>(?:\\s+${NAME}="[^"<]*")*)\\s*(?<empty>/?)>|(?<text>[^<]+)`,
  'y',
);
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

interface Open {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/** Reads XML 1.0 without comments, sections, instructions and DTD, and fails on the first thing that is not well-formed. */
export function parseXml(xml: string): XmlElement {
  if (!CHARACTER.test(xml)) throw new Error('a character that XML cannot hold');
  const declaration = DECLARATION.exec(xml);
  if (!declaration) throw new Error('no declaration');
  const root: Open = { name: '', attributes: {}, children: [], text: '' };
  const stack: Open[] = [root];
  TOKEN.lastIndex = declaration[0].length;
  while (TOKEN.lastIndex < xml.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(xml)?.groups;
    if (!groups) throw new Error(`not well-formed at ${xml.slice(at, at + 40)}`);
    take(groups, stack);
  }
  if (stack.length !== 1 || root.children.length !== 1 || root.text.trim() !== '') {
    throw new Error('not exactly one root element, closed');
  }
  return root.children[0]!;
}

function take(groups: Record<string, string | undefined>, stack: Open[]): void {
  const parent = stack.at(-1)!;
  if (groups['text'] !== undefined) {
    parent.text += unescape(groups['text']);
  } else if (groups['close'] !== undefined) {
    if (stack.length === 1 || parent.name !== groups['close'])
      throw new Error(`</${groups['close']}> closes nothing`);
    stack.pop();
  } else {
    const element = {
      name: groups['open']!,
      attributes: attributesOf(groups['attributes']!),
      children: [],
      text: '',
    };
    parent.children.push(element);
    if (groups['empty'] === '') stack.push(element);
  }
}

function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(new RegExp(`(${NAME})="([^"]*)"`, 'g'))) {
    if (Object.hasOwn(attributes, name)) throw new Error(`the attribute ${name} is there twice`);
    attributes[name] = unescape(value);
  }
  return attributes;
}

function unescape(text: string): string {
  return text.replaceAll(
    /&(?:#(\d+);|(\w+);|)/g,
    (found, code: string | undefined, name: string | undefined) => {
      const character = code === undefined ? ENTITIES[name ?? ''] : String.fromCodePoint(Number(code));
      if (character === undefined) throw new Error(`${found} is no reference`);
      return character;
    },
  );
}
