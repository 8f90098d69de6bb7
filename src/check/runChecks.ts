/** Runs the checks one after another, and tells of each as it ends. */

import { LockstepError } from '../foundation/errors.js';
import { CHECKS } from './allChecks.js';
import type { Check, Finding } from './finding.js';
import type { Subject } from './subject.js';
import { Workbench } from './workbench.js';

export interface CheckRequest {
  /** Names of checks or groups; undefined: all. */
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  readonly onStart?: ((name: string, place: number, total: number) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/** @throws the reason of the signal; what an engine or the data throw where no check can say it better */
export async function runChecks(subject: Subject, request: CheckRequest): Promise<readonly Finding[]> {
  const { signal, onStart, onFinding } = request;
  const bench = new Workbench(subject, signal);
  const findings: Finding[] = [];
  const chosen = chosenChecks(request);
  try {
    for (const [place, check] of chosen.entries()) {
      signal.throwIfAborted();
      onStart?.(check.name, place, chosen.length);
      await new Promise(setImmediate); // the engine of this thread lets nothing else run
      const finding = await findingOf(check, bench, findings);
      findings.push(finding);
      onFinding?.(finding);
    }
  } finally {
    await bench.dispose();
  }
  return findings;
}

/** @throws LockstepError E_OPTION for a name that no check and no group has */
export function chosenChecks({ only, skip = [] }: Pick<CheckRequest, 'only' | 'skip'>): readonly Check[] {
  const isNamed = (names: readonly string[], { name, group }: Check): boolean =>
    names.includes(name) || names.includes(group);
  const known = new Set(CHECKS.flatMap(({ name, group }) => [name, group]));
  const unknown = [...(only ?? []), ...skip].find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `${JSON.stringify(unknown)} is neither a check nor a group of checks; use one of ${[...known].join(', ')}`,
    );
  }
  const chosen = CHECKS.filter(
    (check) => (only === undefined || isNamed(only, check)) && !isNamed(skip, check),
  );
  if (chosen.length > 0) return chosen;
  throw new LockstepError('E_OPTION', 'no check is left to run: choose others, or skip fewer');
}

async function findingOf(check: Check, bench: Workbench, before: readonly Finding[]): Promise<Finding> {
  const { name, group, needs = [] } = check;
  const broken = before.find((finding) => finding.verdict === 'fail' && needs.includes(finding.name));
  const observed = broken ? { leftOut: `it rests on ${broken.name}, which failed` } : await check.run(bench);
  return 'leftOut' in observed
    ? { name, group, verdict: 'left-out', ...observed }
    : { name, group, ...observed };
}
