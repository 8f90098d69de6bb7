/** Puts what names options into the words of the command line: `--micro-batch 25` for `microBatch 25`. */

import type { Finding } from '../../check/index.js';
import { flagName } from '../../foundation/commandLine.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { valueText } from '../../foundation/options/kind.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import { OptionError, sentenceText, wordsOf } from '../../foundation/options/optionError.js';
import type { OptionReference, Sentence, Wording } from '../../foundation/options/optionError.js';
import { shellWord } from '../../foundation/shellWord.js';
import { flagOf, oppositeOf, OPTIONS_BY_KEY } from './optionTable.js';

/** Any other error is returned as it is. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof OptionError)) return error;
  return new LockstepError(error.code, wordsOf(error, BY_FLAG), { cause: error });
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return describeError(inFlags(error));
}

export function sentenceInFlags(sentence: Sentence | string): string {
  return sentenceText(sentence, BY_FLAG);
}

/** The same finding with texts in place of sentences. */
export function findingInFlags(finding: Finding): Pick<Finding, 'name' | 'group' | 'verdict'> & FindingWords {
  const { name, group, verdict } = finding;
  const inWords = (words: Sentence | string): string => sentenceInFlags(words);
  if (finding.verdict === 'left-out') return { name, group, verdict, leftOut: inWords(finding.leftOut) };
  const { seen, expected, advice } = finding;
  return {
    ...{ name, group, verdict, seen: inWords(seen), expected: inWords(expected) },
    ...(advice === undefined ? {} : { advice: inWords(advice) }),
  };
}

interface FindingWords {
  readonly seen?: string;
  readonly expected?: string;
  readonly advice?: string;
  readonly leftOut?: string;
}

export const BY_FLAG: Wording = {
  option: written,
  remedy: (remedy) => {
    if (remedy.kind === 'leave-out') return `leave ${flagFor(remedy.option)} out`;
    const { option, values } = remedy;
    if (isOtherSwitch(option, values[0])) return `use ${flagFor(option)}`;
    if (!isSwitch(option)) return `use ${flagFor(option)} ${values.map(inShell).join(' or ')}`;
    return isSetByFlag(option, values[0] === true)
      ? `use ${flagFor(option)}`
      : `leave ${flagFor(option)} out`;
  },
};

function written({ option, value }: OptionReference): string {
  if (value === undefined || isOtherSwitch(option, value)) return flagFor(option);
  if (!isSwitch(option)) return `${flagFor(option)} ${inShell(value)}`;
  if (isSetByFlag(option, value === true)) return flagFor(option);
  const entry = OPTIONS_BY_KEY.get(option);
  return (entry && oppositeOf(entry)) ?? `"${option}": ${String(value)}`;
}

/** A secret is better not on the command line, where others see it. */
const SECRET_SOURCES: ReadonlyMap<string, string> = new Map([
  ['token', 'LOCKSTEP_TOKEN or --token-file'],
  ['joinToken', 'LOCKSTEP_JOIN_TOKEN or --join-token-file'],
]);

function flagFor(option: string): string {
  const sources = SECRET_SOURCES.get(option);
  if (sources !== undefined) return sources;
  const entry = OPTIONS_BY_KEY.get(option);
  return entry ? flagOf(entry) : flagName(option);
}

function inShell(value: OptionValue): string {
  return typeof value === 'string' ? shellWord(value) : valueText(value);
}

function isSwitch(option: string): boolean {
  return OPTIONS_BY_KEY.get(option)?.kind.kind === 'switch';
}

/** A switch of a command that is no training: `--csv`, and not `--csv true`. */
function isOtherSwitch(option: string, value: OptionValue | undefined): boolean {
  return value === true && !OPTIONS_BY_KEY.has(option);
}

/** `--no-augment` sets `augment` to false, and no flag sets it to true. */
function isSetByFlag(option: string, value: boolean): boolean {
  return OPTIONS_BY_KEY.get(option)?.default !== value;
}
