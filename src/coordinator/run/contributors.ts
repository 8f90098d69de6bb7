/** Who computed what has become part of a run, by numerics class. The names of classes are the nodes' own words. */

import { z } from 'zod';

const contributorSchema = z.strictObject({ engine: z.string(), exact: z.boolean() });
export type Contributor = z.infer<typeof contributorSchema>;
export type Contributors = Readonly<Record<string, Contributor>>;

/** Honest runs have two or three. A result with so many is not exact, whatever comes after. */
const MOST_CLASSES = 64;

/** Not z.record, which leaves out a class of the name `__proto__`. */
export const contributorsSchema = z.custom<Contributors>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((contributor) => contributorSchema.safeParse(contributor).success),
  'must be an object of numerics classes',
);

/** @returns the contributors with this one; the same object if there is nothing new to note */
export function withContributor(
  contributors: Contributors,
  numericsClass: string,
  { engine, exact }: Contributor,
): Contributors {
  // A class named `constructor` is not there because every object inherits one.
  const known = Object.hasOwn(contributors, numericsClass) ? contributors[numericsClass] : undefined;
  if (!known && Object.keys(contributors).length >= MOST_CLASSES) return contributors;
  if (known && (exact || !known.exact)) return contributors;
  // A computed key: it becomes a property even if it is `__proto__`.
  return { ...contributors, [numericsClass]: { engine: known?.engine ?? engine, exact } };
}
