/**
 * The options that a program shares with the command line: type, key, bounds and default of each follow from its one
 * definition. Durations are in milliseconds here.
 */

import type {
  OptionDefinition,
  OptionDefinitions,
  SecondsDefinition,
  ValuesOf,
} from '../foundation/options/definition.js';
import type { ValueKind } from '../foundation/options/kind.js';
import { checkValue } from '../session/index.js';

/** What a program may give; what it leaves out has its default. */
export type GivenSettings<Definitions extends OptionDefinitions> = {
  readonly [
    Key in keyof Definitions & string as Definitions[Key] extends SecondsDefinition ? `${Key}Ms` : Key
  ]?: (Definitions[Key] extends OptionDefinition<unknown, infer Request> ? Request : never) | undefined;
};

export const MS_PER_SECOND = 1000;

/** The names of the options, for those that a function knows. */
export function namesOf(definitions: OptionDefinitions): readonly string[] {
  return Object.entries(definitions).map(programName);
}

/**
 * The values by key, as the command line has them.
 * @throws LockstepError E_OPTION for a value that the command line would refuse, too
 */
export function readSettings<Definitions extends OptionDefinitions>(
  definitions: Definitions,
  given: object,
): ValuesOf<Definitions> {
  const options = given as Readonly<Record<string, unknown>>;
  const values = Object.entries(definitions).map((entry) => {
    const [key, definition] = entry;
    const value = options[programName(entry)];
    return [key, value === undefined ? definition.default : readSetting(entry, value)];
  });
  return Object.fromEntries(values) as ValuesOf<Definitions>;
}

/** The keys of those that are given. */
export function givenKeys(definitions: OptionDefinitions, given: object): readonly string[] {
  const options = given as Readonly<Record<string, unknown>>;
  return Object.entries(definitions)
    .filter((entry) => options[programName(entry)] !== undefined)
    .map(([key]) => key);
}

export type Entry = readonly [key: string, definition: OptionDefinition];

/** What a program calls the option. */
export function programName([key, { unit }]: Entry): string {
  return unit === 'seconds' ? `${key}Ms` : key;
}

function readSetting(entry: Entry, value: unknown): unknown {
  const [, { kind, unit, example }] = entry;
  const name = programName(entry);
  if (unit !== 'seconds') return checkValue(name, value, kind, example);
  const inMs = checkValue(name, value, inMilliseconds(kind), String(MS_PER_SECOND * Number(example)));
  return Number(inMs) / MS_PER_SECOND;
}

/** The bounds of a duration, as a program gives it. */
export function inMilliseconds(kind: ValueKind): ValueKind {
  if (kind.kind !== 'number') return kind;
  const bounds = Object.entries(kind).map(([name, bound]) => [
    name,
    typeof bound === 'number' ? MS_PER_SECOND * bound : bound,
  ]);
  return { ...(Object.fromEntries(bounds) as typeof kind), unit: 'milliseconds' };
}
