import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { optionsTable, withOptionsTable } from '../../scripts/optionsTable.mjs';
import { buildProgram } from '../../src/cli/main.js';
import { ENGINE_FACTORIES } from '../../src/engine/index.js';
import { PRESETS_TEXT } from '../../src/model/index.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

describe('README.md', () => {
  const program = buildProgram();

  it('has the table of options as the code declares them (else: npm run docs)', () => {
    expect(withOptionsTable(readme, optionsTable(program))).toBe(readme);
  });

  it('names every flag that a --help prints', () => {
    const flags = everyCommand(program).flatMap(
      (command) => command.helpInformation().match(/--[a-z-]+/g) ?? [],
    );
    expect(flags.length).toBeGreaterThan(40);
    expect([...new Set(flags)].filter((flag) => !readme.includes(flag))).toEqual([]);
  });

  it('names every command, engine and model', () => {
    const commands = program.commands.map((command) => `lockstep ${command.name()}`);
    const engines = ENGINE_FACTORIES.map(({ name }) => `\`${name}\``);
    for (const word of [...commands, ...engines]) expect(readme).toContain(word);
    for (const preset of PRESETS_TEXT.match(/[a-z]+\d+|notebook/g)!) expect(readme).toContain(preset);
  });

  it('uses no flag that does not exist', () => {
    const known = new Set(
      everyCommand(program).flatMap((command) => command.options.map(({ long }) => long ?? '')),
    );
    const used = [...readme.matchAll(/(?:^|[\s`"(])(--[a-z][a-z-]+)/gm)].map(([, flag]) => flag);
    const ofOthers = new Set(['--help', '--version', '--no-save', '--minutes', '--gpu']);
    expect([...new Set(used)].filter((flag) => !known.has(flag!) && !ofOthers.has(flag!))).toEqual([]);
  });

  it('shows no place of the machine that it was written on', () => {
    expect(readme).not.toMatch(/\/(work|root|home|tmp)\//);
  });
});
