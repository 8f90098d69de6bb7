import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';
import { recipesReference } from '../../src/cli/recipesReference.js';
import { cliReference } from '../../src/cli/reference.js';
import { ENGINE_FACTORIES } from '../../src/engine/index.js';
import { PRESETS_TEXT } from '../../src/model/index.js';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const readme = read('README.md');
const reference = read('docs/cli.md');

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

const program = buildProgram();

describe('docs/cli.md', () => {
  it('is what the definitions say (else: npm run docs)', () => {
    expect(cliReference(program)).toBe(reference);
  });

  it('does not depend on the environment', () => {
    vi.stubEnv('LOCKSTEP_DATA_DIR', '/mnt/images');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(cliReference(buildProgram())).toBe(reference);
  });

  it('names every flag that a --help prints', () => {
    const flags = everyCommand(program).flatMap(
      (command) => command.helpInformation().match(/--[a-z-]+/g) ?? [],
    );
    expect(flags.length).toBeGreaterThan(40);
    expect([...new Set(flags)].filter((flag) => !reference.includes(flag))).toEqual([]);
  });

  it('tells of bounds, of the weights and of resumed runs', () => {
    for (const row of [
      /^\| `--batch-size <n>` \| `128` \| an integer from 1 to 65536 \| yes \| kept \|/m,
      /^\| `--patience <n>` .* \| yes \| may change \|/m,
      /^\| `--epochs <n>` .* \| may change, unless the schedule is cosine or/m,
      /^\| `--crop-padding <pixels>` .*; not with `--no-augment` \| yes \| kept/m,
      /^\| `--engine <name>` .* \| by numerics class \| may change \|/m,
      /^\| `--run-dir <dir>` .* \| no \| not remembered \|/m,
    ]) {
      expect(reference).toMatch(row);
    }
  });
});

describe('docs/recipes.md', () => {
  it('is what the recipes say (else: npm run docs)', () => {
    expect(recipesReference()).toBe(read('docs/recipes.md'));
  });
});

describe('README.md', () => {
  it('names every command, engine and model', () => {
    const commands = program.commands.map((command) => `lockstep ${command.name()}`);
    const engines = ENGINE_FACTORIES.map(({ name }) => `\`${name}\``);
    for (const word of [...commands, ...engines]) expect(readme).toContain(word);
    for (const preset of PRESETS_TEXT.match(/[a-z]+\d+|notebook/g)!)
      expect(`${readme}${reference}`).toContain(preset);
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
