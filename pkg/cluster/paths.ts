/** Folders under the cluster's root. */
export const FOLDERS = {
  members: 'members',
  leader: 'leader',
  bindings: 'bindings',
  reports: 'reports',
  holds: 'holds',
  names: 'names',
  nodes: 'nodes',
  questions: 'questions',
  answers: 'answers',
} as const;

export const CLUSTER_PATH = 'cluster';
export const EPOCH_PATH = 'epoch';
export const DECISION_PATH = 'decision';

/** Stands between a node and the number of a further part of its bindings. `encodeName` leaves none in a name. */
const PART_MARK = '+';

/** A name as part of a path: whatever ZooKeeper or we ourselves would read as something else is escaped. */
export function encodeName(name: string): string {
  if (/^\.+$/.test(name)) return name.replaceAll('.', '%2E');
  return encodeURIComponent(name.toWellFormed());
}

/** The name again; undefined for what `encodeName` cannot have made. */
export function decodeName(encoded: string): string | undefined {
  try {
    const name = decodeURIComponent(encoded);
    return encodeName(name) === encoded ? name : undefined;
  } catch {
    return undefined;
  }
}

export function memberPath(node: string): string {
  return `${FOLDERS.members}/${encodeName(node)}`;
}

export function reportPath(node: string): string {
  return `${FOLDERS.reports}/${encodeName(node)}`;
}

export function namesPath(node: string): string {
  return `${FOLDERS.names}/${encodeName(node)}`;
}

/** Part 0 is the head. */
export function bindingsPath(node: string, part = 0): string {
  const head = `${FOLDERS.bindings}/${encodeName(node)}`;
  return part === 0 ? head : `${head}${PART_MARK}${part}`;
}

/** Numbers of the parts that are there, by node, out of the names in the folder of bindings. */
export function partsByNode(names: readonly string[]): Map<string, Set<number>> {
  const parts = new Map<string, Set<number>>();
  for (const name of names) {
    const [encoded = '', number = '0', ...rest] = name.split(PART_MARK);
    const node = decodeName(encoded);
    if (node === undefined || rest.length > 0 || !/^\d+$/.test(number)) continue;
    parts.set(node, (parts.get(node) ?? new Set()).add(Number(number)));
  }
  return parts;
}

/** A node that has been a member with an engine on the cluster store. */
export function nodePath(node: string): string {
  return `${FOLDERS.nodes}/${encodeName(node)}`;
}

export function holdPath(id: string): string {
  return `${FOLDERS.holds}/${encodeName(id)}`;
}

export function questionPath(id: string): string {
  return `${FOLDERS.questions}/${encodeName(id)}`;
}

/** One folder for all: what is ephemeral has no children. */
export function answerPath(id: string, node: string): string {
  return `${FOLDERS.answers}/${encodeName(id)}${PART_MARK}${encodeName(node)}`;
}

/** Paths of the answers to one question, by node, out of the names in the folder of answers. */
export function answersTo(question: string, names: readonly string[]): Map<string, string> {
  const start = `${question.slice(FOLDERS.questions.length + 1)}${PART_MARK}`;
  const answers = new Map<string, string>();
  for (const name of names.filter((one) => one.startsWith(start))) {
    const node = decodeName(name.slice(start.length));
    if (node !== undefined) answers.set(node, `${FOLDERS.answers}/${name}`);
  }
  return answers;
}
