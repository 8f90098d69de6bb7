/**
 * The table of options in docs/cli.md, made from the command line's own declarations. `npm run docs` writes it; a test compares.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../docs/cli.md', import.meta.url));
const BEGIN = '<!-- options: written by "npm run docs" -->';
const END = '<!-- end of options -->';

/** Defaults that differ from machine to machine. */
const MACHINE_DEFAULTS = {
  '--data-dir <dir>': '`data`',
  '--threads <n>': 'the cores',
  '--workers <n>': 'the cores',
  '--name <text>': 'host name and process id',
};

/** One row per option; commands with the same declaration share the row. */
export function optionsTable(program) {
  const rows = new Map();
  for (const [name, command] of leafCommands(program)) {
    for (const option of command.options) {
      const row = `\`${option.flags}\`|${defaultOf(option)}|${cell(option.description)}`;
      rows.set(row, [...(rows.get(row) ?? []), name]);
    }
  }
  const lines = [...rows].map(([row, names]) => {
    const [flags, byDefault, text] = row.split('|');
    return `| ${flags} | ${byDefault} | ${names.join(', ')} | ${text.replaceAll('\u0000', '\\|')} |`;
  });
  return ['| option | default | of | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function leafCommands(command, path = []) {
  return command.commands.flatMap((child) => {
    const name = [...path, child.name()];
    return child.commands.length > 0 ? leafCommands(child, name) : [[name.join(' '), child]];
  });
}

function defaultOf({ flags, defaultValue, defaultValueDescription }) {
  if (defaultValueDescription === 'the cores') return defaultValueDescription;
  if (defaultValue === undefined || typeof defaultValue === 'boolean') return '';
  return defaultValue === 0 ? '`0`' : (MACHINE_DEFAULTS[flags] ?? `\`${String(defaultValue)}\``);
}

function cell(text) {
  return text.replaceAll('|', '\u0000').replaceAll('<', '&lt;');
}

/** The document with the table in its place. */
export function withOptionsTable(document, table) {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/cli.md lacks the lines ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { buildProgram } = await import('../dist/cli/main.js');
  writeFileSync(DOCUMENT, withOptionsTable(readFileSync(DOCUMENT, 'utf8'), optionsTable(buildProgram())));
}
