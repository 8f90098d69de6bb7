/** What a resumed run takes over from its previous session. */

import { resumeRuleOf } from '../../foundation/options/definition.js';
import type { OptionDefinition, OptionDefinitions } from '../../foundation/options/definition.js';

interface Sources<Values> {
  /** Of the previous session. */
  readonly saved: Partial<Values>;
  /** Keys that are given now. */
  readonly given: ReadonlySet<string>;
}

/**
 * Each setting as given now, by a flag or else in the environment, which says what this machine has; else as in the
 * previous session, else the default.
 * @param now what is given, with the environment and defaults for the rest
 */
export function withRemembered<Values extends object>(
  definitions: OptionDefinitions,
  now: Values,
  { saved, given }: Sources<Values>,
): Values {
  const settings = Object.entries(definitions).map(([name, definition]) => {
    const key = name as keyof Values;
    return [key, (isTakenOver(name, definition, given) ? saved[key] : undefined) ?? now[key]] as const;
  });
  return Object.fromEntries(settings) as Values;
}

function isTakenOver(key: string, definition: OptionDefinition, given: ReadonlySet<string>): boolean {
  if (given.has(key) || resumeRuleOf(definition).kind === 'notRemembered') return false;
  // The device of one engine means nothing to another.
  const { partOf } = definition;
  return partOf === undefined || !given.has(partOf);
}
