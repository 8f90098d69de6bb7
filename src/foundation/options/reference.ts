/** What the written references say of options, in Markdown: docs/cli.md, docs/recipes.md and docs/library-options.md. */

import { resumeRuleOf } from './definition.js';
import type { OptionDefinition } from './definition.js';

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [rowOf(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(rowOf)].join('\n');
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Text that is no Markdown. */
export function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** What a resumed run does with an option. */
export function resumeText(definition: OptionDefinition): string {
  const rule = resumeRuleOf(definition);
  if (rule.kind === 'kept') return 'kept';
  if (rule.kind === 'notRemembered') return 'not remembered';
  if (rule.unless === undefined) return 'may change';
  return `may change, unless the ${rule.unless.option} is ${rule.unless.is.join(' or ')}`;
}
