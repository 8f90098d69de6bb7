/** What a command has begun and must end, however the command itself ends. */

/** Ends something that was begun. */
export type Closer = () => unknown;

/**
 * Runs the body, and after it the closers that it added, the last one first; each of them, whatever the others do.
 * @throws what the body throws; if it does not, the first error of a closer
 */
export async function withCleanup<Outcome>(body: (closers: Closer[]) => Promise<Outcome>): Promise<Outcome> {
  const closers: Closer[] = [];
  let outcome: Outcome;
  try {
    outcome = await body(closers);
  } catch (error) {
    await closeAll(closers); // what goes wrong now may be a consequence, and hides the cause
    throw error;
  }
  const errors = await closeAll(closers);
  if (errors.length > 0) throw errors[0];
  return outcome;
}

async function closeAll(closers: readonly Closer[]): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}
