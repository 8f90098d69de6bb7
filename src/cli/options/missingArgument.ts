/** What the command line's parser says of an argument that is missing, with an example. */

import type { Command } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import { definitionOf } from './trainingOptions.js';

/** Of what has no definition, by name. */
const EXAMPLES: ReadonlyMap<string, string> = new Map([
  ['url', 'ws://127.0.0.1:7070'],
  ['checkpoint', 'runs/first'],
  ['resume', 'runs/first'],
  ['config', 'recipe.json'],
  ['token-file', 'token.txt'],
]);

/** From here on the parser's message holds an example. */
export function addExamples(command: Command): void {
  const error = command.error.bind(command);
  command.error = (message, options) =>
    error(`${message}${exampleFor(command, message, options?.code)}`, options);
}

function exampleFor(command: Command, message: string, code: string | undefined): string {
  const name = /'(.+)'/.exec(message)?.[1] ?? '';
  if (code === 'commander.missingArgument') {
    const example = EXAMPLES.get(name);
    return example === undefined ? '' : `; for example: ${commandLine(command.name(), example)}`;
  }
  if (code !== 'commander.optionMissingArgument') return '';
  const option = command.options.find(({ flags }) => flags === name);
  const example = option && (definitionOf(option)?.example ?? EXAMPLES.get(option.name()));
  return example ? `; for example --${option.name()} ${example}` : '';
}
