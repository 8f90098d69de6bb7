/** The numerics classes whose results are part of a run. Their names come from the nodes. */

import { z } from 'zod';

const contributorSchema = z.strictObject({ engine: z.string(), exact: z.boolean() });
export type Contributor = z.infer<typeof contributorSchema>;
export type Contributors = Readonly<Record<string, Contributor>>;

/** Honest runs have at most two or three. With this many, the result is not exact anyway. */
const MAX_CLASSES = 64;

/** Not z.record, which drops a class named `__proto__`. */
export const contributorsSchema = z.custom<Contributors>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((contributor) => contributorSchema.safeParse(contributor).success),
  'must be an object of numerics classes',
);

/** @returns the contributors including this one; the same object if nothing changes */
export function withContributor(
  contributors: Contributors,
  numericsClass: string,
  { engine, exact }: Contributor,
): Contributors {
  // Own properties only: every object inherits `constructor`.
  const known = Object.hasOwn(contributors, numericsClass) ? contributors[numericsClass] : undefined;
  if (!known && Object.keys(contributors).length >= MAX_CLASSES) return contributors;
  if (known && (exact || !known.exact)) return contributors;
  // A computed key: it becomes a property even if it is `__proto__`.
  return { ...contributors, [numericsClass]: { engine: known?.engine ?? engine, exact } };
}
