/** What the command line's parser says of an argument that is missing or mistyped, with an example. */

import type { Command } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { definitionOf } from './trainingOptions.js';

/** Of what has no definition, by name. */
const EXAMPLES: ReadonlyMap<string, string> = new Map([
  ['url', 'ws://127.0.0.1:7070'],
  ['checkpoint', 'runs/first'],
  ['run', 'runs/first'],
  ['a', 'runs/first'],
  ['b', 'runs/second'],
  ['name|file', 'resnet20'],
  ['image', 'cat.png'],
  ['resume', 'runs/first'],
  ['config', 'recipe.json'],
  ['token-file', 'token.txt'],
]);

/** An option without which the command is refused, too. */
const NEEDED_OPTIONS: ReadonlyMap<string, CommandOptions> = new Map([['export', { output: 'exported' }]]);

/** From here on the parser's message holds an example. */
export function addExamples(command: Command): void {
  const error = command.error.bind(command);
  command.error = (message, options) =>
    error(`${message}${addition(command, message, options?.code)}`, options);
}

function addition(command: Command, message: string, code: string | undefined): string {
  return code === 'commander.unknownOption'
    ? longerOption(command, message)
    : exampleFor(command, message, code);
}

/** What one command calls so, and another so. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['--workers', '--threads'],
  ['--threads', '--workers'],
]);

/** `--output` for `--out`: too far apart for commander, which counts letters. */
function longerOption(command: Command, message: string): string {
  const given = /'(--[a-z-]+)/.exec(message)?.[1];
  if (given === undefined || message.includes('Did you mean')) return '';
  const other = SYNONYMS.get(given);
  if (other !== undefined && command.options.some(({ long }) => long === other))
    return `\n(Did you mean ${other}?)`;
  const longer = command.options.flatMap(({ long }) => (long?.startsWith(given) === true ? [long] : []));
  return longer.length === 1 ? `\n(Did you mean ${longer[0]}?)` : '';
}

function exampleFor(command: Command, message: string, code: string | undefined): string {
  const name = /'(.+)'/.exec(message)?.[1] ?? '';
  if (code === 'commander.missingArgument') {
    const example = wholeExample(command);
    return example === undefined ? '' : `; for example: ${example}`;
  }
  if (code !== 'commander.optionMissingArgument') return '';
  const option = command.options.find(({ flags }) => flags === name);
  const example = option && (definitionOf(option)?.example ?? EXAMPLES.get(option.name()));
  return example ? `; for example --${option.name()} ${example}` : '';
}

/**
 * With all that the command needs, so that the example is not refused in its turn.
 * @returns undefined if an argument has no example
 */
export function wholeExample(command: Command): string | undefined {
  const needed = command.registeredArguments.filter(({ required }) => required);
  const examples = needed.flatMap((argument) => EXAMPLES.get(argument.name()) ?? []);
  if (examples.length < needed.length) return undefined;
  return commandLine(...pathOf(command), ...examples, NEEDED_OPTIONS.get(command.name()) ?? {});
}

/** `data show`, without the program's name. */
function pathOf(command: Command): readonly string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}
