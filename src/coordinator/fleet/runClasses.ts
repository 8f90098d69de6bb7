/** The numerics classes of a run. A node that asks for it is refused rather than that it adds one. */

import type { Hello, Refused } from '../../protocol/index.js';
import type { Member } from './member.js';

/** An honest run has one, or two or three. */
const MOST_TOLD = 8;

export class RunClasses {
  /** Of all whose results are part of the run. */
  private readonly computed: Set<string>;

  /** @param earlier of a run that is resumed */
  constructor(
    earlier: readonly string[] | undefined,
    private readonly members: ReadonlySet<Member>,
  ) {
    this.computed = new Set(earlier);
  }

  noteResultOf({ hello }: Member): void {
    this.computed.add(hello.numericsClass);
  }

  /** Undefined where the node may take part. */
  refusalOf({ onlyClassOfRun, numericsClass }: Hello): Refused | undefined {
    if (onlyClassOfRun !== true) return undefined;
    const attached = [...this.members].filter(({ threads }) => threads > 0);
    const classes = new Set([...this.computed, ...attached.map(({ hello }) => hello.numericsClass)]);
    if (classes.size === 0 || classes.has(numericsClass)) return undefined;
    const numericsClasses = [...classes].slice(0, MOST_TOLD);
    const reason =
      `its numerics class is ${numericsClass}, the run's is ${numericsClasses.join(', ')}, ` +
      'and it asked to take part in the same class only';
    return { type: 'refused', code: 'E_REFUSED', reason, numericsClasses };
  }
}
