import * as z from 'zod';
import { parseConstraint } from '../../constraint/index.ts';
import { complain, list } from './field.ts';

/** Node constraints as a list of texts that parse, without doubles. */
export const nodeConstraint: z.ZodType<string[]> = z
  .union([z.string(), list(z.string({ error: 'text' }), '[node==swarm-node-1]')], {
    error: 'text such as node==swarm-node-1, or a list of such texts',
  })
  .transform((value, context) => {
    const texts = typeof value === 'string' ? [value] : value;
    for (const [index, text] of texts.entries()) {
      const result = parseConstraint(text);
      if (result.ok) continue;
      complain(
        context.issues,
        'constraint-invalid',
        result.message,
        typeof value === 'string' ? [] : [index],
      );
    }
    return [...new Set(texts)];
  })
  .meta({
    description:
      'Which nodes may run the container; all of a list must hold. Classic Swarm form (node==NAME, !=, globs, /regex/, soft ==~, ' +
      'daemon labels) or Swarm-mode keys (node.hostname, node.role, node.labels.NAME, ...). Absent: any node.',
    examples: ['node==swarm-node-1', ['node!=swarm-master', 'storage==ssd']],
  });
