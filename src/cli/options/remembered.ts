/** What a resumed run takes over from its last sitting. */

import { resumeRuleOf } from '../../foundation/options/definition.js';
import type { OptionEntry } from './optionTable.js';

interface Sitting<Values> {
  /** Of the sitting before. */
  readonly saved: Partial<Values>;
  /** Keys that are given now. */
  readonly given: ReadonlySet<string>;
}

/**
 * Each setting as given now, else as in the sitting before, else the default.
 * @param now what is given, with defaults for the rest
 */
export function withRemembered<Values extends object>(
  entries: readonly OptionEntry[],
  now: Values,
  { saved, given }: Sitting<Values>,
): Values {
  const settings = entries.map((entry) => {
    const key = entry.key as keyof Values;
    return [key, (isTakenOver(entry, given) ? saved[key] : undefined) ?? now[key]] as const;
  });
  return Object.fromEntries(settings) as Values;
}

function isTakenOver(entry: OptionEntry, given: ReadonlySet<string>): boolean {
  if (given.has(entry.key) || resumeRuleOf(entry).kind === 'forgotten') return false;
  // The device of one engine means nothing to another.
  return entry.partOf === undefined || !given.has(entry.partOf);
}
