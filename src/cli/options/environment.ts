/** The environment variables that stand in for flags. */

import type { OptionDefinition } from '../../foundation/options/definition.js';

/** A variable that is empty is not set. */
export function fromEnvironment({ environment }: Pick<OptionDefinition, 'environment'>): string | undefined {
  const value = environment === undefined ? undefined : process.env[environment];
  return value === '' ? undefined : value;
}
