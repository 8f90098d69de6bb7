/**
 * An error about options that does not say how they are written. A program reads keys ("microBatch 25"); the command line
 * puts the same error into flags ("--micro-batch 25").
 */

import { describeError, LockstepError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { valueText } from './kind.js';
import type { OptionValue } from './kind.js';

/** An option, or an option with a value. */
export interface OptionReference {
  readonly option: string;
  readonly value?: OptionValue;
}

/** May quote another error, which is then written in the same words. */
export type Sentence = readonly (string | OptionReference | OptionError)[];

export type Remedy =
  | { readonly kind: 'use'; readonly option: string; readonly values: readonly OptionValue[] }
  | { readonly kind: 'leave-out'; readonly option: string; readonly value?: OptionValue }
  /** In words of its own, which may name options. */
  | { readonly kind: 'advice'; readonly sentence: Sentence }
  /** Not about an option. */
  | { readonly kind: 'other'; readonly text: string };

/** How references and remedies are written. */
export interface Wording {
  readonly option: (reference: OptionReference) => string;
  readonly remedy: (remedy: Exclude<Remedy, { kind: 'advice' | 'other' }>) => string;
}

export class OptionError extends LockstepError {
  /** What is wrong: the value and the rule. */
  readonly problem: Sentence;
  /** Each of them alone is enough. */
  readonly remedies: readonly Remedy[];

  constructor(
    problem: Sentence,
    remedies: readonly Remedy[],
    code: ErrorCode = 'E_OPTION',
    options?: ErrorOptions,
  ) {
    super(code, wordsOf({ problem, remedies }, BY_KEY), options);
    this.name = 'OptionError';
    this.problem = problem;
    this.remedies = remedies;
  }
}

export function wordsOf(
  { problem, remedies }: Pick<OptionError, 'problem' | 'remedies'>,
  wording: Wording,
): string {
  const said = sentenceText(problem, wording);
  if (remedies.length === 0) return said;
  return `${said}; ${alternatives(remedies.map((remedy) => remedyText(remedy, wording)))}`;
}

/** @param said a text is taken as it is */
export function sentenceText(said: Sentence | string, wording: Wording): string {
  if (typeof said === 'string') return said;
  return said
    .map((part) => {
      if (typeof part === 'string') return part;
      return part instanceof OptionError ? wordsOf(part, wording) : wording.option(part);
    })
    .join('');
}

/** The text of anything that was thrown, to quote in a sentence. */
export function quoted(error: unknown): string | OptionError {
  return error instanceof OptionError ? error : describeError(error);
}

export function advice(...sentence: Sentence): Remedy {
  return { kind: 'advice', sentence };
}

/** As in `use microBatch 32`. */
export function use(option: string, ...values: readonly OptionValue[]): Remedy {
  return { kind: 'use', option, values };
}

export function leaveOut(option: string): Remedy {
  return { kind: 'leave-out', option };
}

function remedyText(remedy: Remedy, wording: Wording): string {
  switch (remedy.kind) {
    case 'advice':
      return sentenceText(remedy.sentence, wording);
    case 'other':
      return remedy.text;
    default:
      return wording.remedy(remedy);
  }
}

/** `use A, or B`, and not `use A, or use B`. */
function alternatives(texts: readonly string[]): string {
  const isRepeated = (index: number): boolean => [texts[index - 1], texts[index]].every(beginsWithUse);
  return texts.map((text, index) => (isRepeated(index) ? text.slice(USE.length) : text)).join(', or ');
}

const USE = 'use ';

function beginsWithUse(text: string | undefined): boolean {
  return text?.startsWith(USE) === true;
}

/** Where nobody says how options are written. */
export const BY_KEY: Wording = {
  option: ({ option, value }) => (value === undefined ? option : `${option} ${valueText(value)}`),
  remedy: (remedy) => {
    if (remedy.kind === 'leave-out') return `leave ${remedy.option} out`;
    return `${USE}${remedy.option} ${remedy.values.map(valueText).join(' or ')}`;
  },
};
