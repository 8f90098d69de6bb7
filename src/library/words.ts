/**
 * Messages in the words of a program: the deeper layers name options as the command line has them, and here
 * `use --micro-batch 32` becomes `use microBatch: 32`.
 */

import type { OptionDefinition } from '../foundation/options/definition.js';
import { RUN_DEFINITIONS } from '../session/index.js';

/** Options whose name or unit differs in the library. */
const OWN_NAMES: ReadonlyMap<string, string> = new Map([
  ['dataset', 'data'],
  ['dataDir', 'data: await loadCifar10(folder)'],
  ['listen', 'host and port'],
  ['heartbeatTimeout', 'heartbeatTimeoutMs'],
  ['waitTimeout', 'waitTimeoutMs'],
  ['retryFor', 'retryForMs'],
  ['tlsCert', 'tls.cert'],
  ['tlsKey', 'tls.key'],
  ['tokenFile', 'token'],
]);
/** A value that says something else in the library: only the name is told. */
const NAME_ONLY: ReadonlySet<string> = new Set(OWN_NAMES.keys());

/** Flags that stand in no table: they have no place in a config file. */
const OTHER_FLAGS: readonly string[] = ['resume', 'token', 'tokenFile', 'ca', 'retryFor', 'threads'];

/** A command to paste stays as it is, up to the end of its part of the sentence. */
const COMMAND = /\blockstep (?:train|coordinator|worker|evaluate|data|engines|model|setup)\b[^;"]*/;
const TOKEN_SOURCES = /LOCKSTEP_TOKEN(?:,? or |, )--token-file/;
const FLAG = /--(?<flag>[a-z][a-z-]*)(?: (?<value>(?:\d[\w.,e+-]*\b|[\w./:-]+)))?/;
const PATTERN = new RegExp(
  `(?<command>${COMMAND.source})|(?<token>${TOKEN_SOURCES.source})|${FLAG.source}`,
  'g',
);

export function inWordsOfPrograms(message: string): string {
  return message.replace(PATTERN, (...found: unknown[]) => {
    const whole = found[0] as string;
    const { command, token, flag, value } = found.at(-1) as Record<string, string | undefined>;
    if (command !== undefined) return `npx ${command}`;
    if (token !== undefined) return 'token';
    return optionText(flag!, value) ?? whole;
  });
}

/** @returns undefined for a flag of another program */
function optionText(flag: string, next: string | undefined): string | undefined {
  const rest = next === undefined ? '' : ` ${next}`;
  const isNegated = flag.startsWith('no-');
  const key = camelCase(isNegated ? flag.slice('no-'.length) : flag);
  const definition = RUN_DEFINITIONS.get(key);
  if (definition?.kind.kind === 'switch') return `${key}: ${String(!isNegated)}${rest}`;
  if (isNegated || (!definition && !OTHER_FLAGS.includes(key))) return undefined;
  const name = OWN_NAMES.get(key) ?? key;
  if (next === undefined || !isValue(next, definition)) return `${name}${rest}`;
  return NAME_ONLY.has(key) ? name : `${name}: ${next}`;
}

/** Whether the word after a flag is its value, or goes on with the sentence. */
function isValue(word: string, definition: OptionDefinition | undefined): boolean {
  if (definition?.kind.kind === 'choice') return definition.kind.of.includes(word);
  return /^[\d.]|\/|^[A-Z:]+$/.test(word);
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
