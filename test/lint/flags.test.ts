/** Only src/cli/ knows how options are written on the command line: what the rest says names no flag. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';

const SOURCE = path.resolve(import.meta.dirname, '../../src');

/** Compilers and pip are asked for their version, too, and `npm install` knows how not to save. */
const ALSO_OF_OTHER_PROGRAMS: ReadonlySet<string> = new Set(['--version', '--no-save']);

/** Of all commands, and the negated form of each. */
const FLAGS: ReadonlySet<string> = new Set(
  flagsOf(buildProgram())
    .flatMap((flag) => [flag, flag.replace('--', '--no-')])
    .filter((flag) => !ALSO_OF_OTHER_PROGRAMS.has(flag)),
);

function flagsOf(command: Command): readonly string[] {
  return [...command.options.flatMap(({ long }) => long ?? []), ...command.commands.flatMap(flagsOf)];
}

/** The flags in the strings of a source text; comments do not count. */
function flagsNamedIn(text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      found.push(...(node.text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest));
  return found.filter((flag) => FLAGS.has(flag));
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith(`cli${path.sep}`))
  .sort();

describe('strings outside src/cli/', () => {
  it('name no flag', () => {
    const named = files.flatMap((file) =>
      flagsNamedIn(readFileSync(path.join(SOURCE, file), 'utf8')).map((flag) => `${file}: ${flag}`),
    );
    expect(named).toEqual([]);
  });

  it.each([
    ["throw new Error('use --micro-batch 32')", ['--micro-batch']],
    ['const remedy = `give ${a}; leave --no-tune out`;', ['--no-tune']],
    ['const both = `${a} with --token-file ${b} or --force ${c}`;', ['--token-file', '--force']],
  ])('are found in %s', (text, expected) => {
    expect(flagsNamedIn(text)).toEqual(expected);
  });

  it('are not confused with comments, other programs and longer names', () => {
    expect(flagsNamedIn("// use --seed\nrun('npm', ['ci', '--no-audit']); i--; say('--seedling');")).toEqual(
      [],
    );
    expect(files.length).toBeGreaterThan(300);
  });
});
