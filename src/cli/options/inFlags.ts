/** Puts an error about options into the words of the command line: `--micro-batch 25` for `microBatch 25`. */

import { LockstepError } from '../../foundation/errors.js';
import { valueText } from '../../foundation/options/kind.js';
import { OptionError, wordsOf } from '../../foundation/options/optionError.js';
import type { OptionReference, Wording } from '../../foundation/options/optionError.js';
import { flagOf, oppositeOf, OPTIONS_BY_KEY } from './optionTable.js';

/** Any other error is returned as it is. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof OptionError)) return error;
  return new LockstepError(error.code, wordsOf(error, BY_FLAG), { cause: error });
}

const BY_FLAG: Wording = {
  option: written,
  remedy: (remedy) => {
    if (remedy.kind === 'leave-out') return `leave ${flagFor(remedy.option)} out`;
    const { option, values } = remedy;
    if (!isSwitch(option)) return `use ${flagFor(option)} ${values.map(valueText).join(' or ')}`;
    return isSetByFlag(option, values[0] === true)
      ? `use ${flagFor(option)}`
      : `leave ${flagFor(option)} out`;
  },
};

function written({ option, value }: OptionReference): string {
  if (value === undefined) return flagFor(option);
  if (!isSwitch(option)) return `${flagFor(option)} ${valueText(value)}`;
  if (isSetByFlag(option, value === true)) return flagFor(option);
  const entry = OPTIONS_BY_KEY.get(option);
  return (entry && oppositeOf(entry)) ?? `"${option}": ${String(value)}`;
}

function flagFor(option: string): string {
  const entry = OPTIONS_BY_KEY.get(option);
  return entry ? flagOf(entry) : option;
}

function isSwitch(option: string): boolean {
  return OPTIONS_BY_KEY.get(option)?.kind.kind === 'switch';
}

/** `--no-augment` sets `augment` to false, and no flag sets it to true. */
function isSetByFlag(option: string, value: boolean): boolean {
  return OPTIONS_BY_KEY.get(option)?.default !== value;
}
