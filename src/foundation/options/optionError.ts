/**
 * An error about options that does not say how they are written. A program reads keys ("microBatch 25"); the command line
 * puts the same error into flags ("--micro-batch 25").
 */

import { LockstepError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { valueText } from './kind.js';
import type { OptionValue } from './kind.js';

/** An option, or an option with a value. */
export interface OptionReference {
  readonly option: string;
  readonly value?: OptionValue;
}

export type Sentence = readonly (string | OptionReference)[];

export type Remedy =
  | { readonly kind: 'use'; readonly option: string; readonly values: readonly OptionValue[] }
  | { readonly kind: 'leave-out'; readonly option: string; readonly value?: OptionValue }
  /** Not about one option. */
  | { readonly kind: 'other'; readonly text: string };

/** How references and remedies are written. */
export interface Wording {
  readonly option: (reference: OptionReference) => string;
  readonly remedy: (remedy: Remedy) => string;
}

export class OptionError extends LockstepError {
  /** What is wrong: the value and the rule. */
  readonly problem: Sentence;
  /** Each of them alone is enough. */
  readonly remedies: readonly Remedy[];

  constructor(problem: Sentence, remedies: readonly Remedy[], code: ErrorCode = 'E_OPTION') {
    super(code, wordsOf({ problem, remedies }, BY_KEY));
    this.name = 'OptionError';
    this.problem = problem;
    this.remedies = remedies;
  }
}

export function wordsOf(
  { problem, remedies }: Pick<OptionError, 'problem' | 'remedies'>,
  wording: Wording,
): string {
  const said = problem.map((part) => (typeof part === 'string' ? part : wording.option(part))).join('');
  return remedies.length === 0 ? said : `${said}; ${alternatives(remedies.map(wording.remedy))}`;
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

/** For programs. */
const BY_KEY: Wording = {
  option: ({ option, value }) => (value === undefined ? option : `${option} ${valueText(value)}`),
  remedy: (remedy) => {
    if (remedy.kind === 'other') return remedy.text;
    if (remedy.kind === 'leave-out') return `leave ${remedy.option} out`;
    return `${USE}${remedy.option} ${remedy.values.map(valueText).join(' or ')}`;
  },
};
