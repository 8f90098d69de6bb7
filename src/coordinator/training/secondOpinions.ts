/**
 * Decides what a result that is not finite means: training may have diverged, or one machine may be faulty. The item is
 * computed again, by another node if there is one. Results that are finite but wrong are not detected here.
 */

import type { Member } from '../fleet/member.js';

/** This many results that are not finite are believed, even from a single node. */
const ENOUGH_OPINIONS = 3;

export class SecondOpinions {
  private readonly notFiniteBy = new Map<number, Member[]>();

  /** @param isThereAnother whether a node that is not among the given ones accepts items */
  constructor(private readonly isThereAnother: (than: ReadonlySet<Member>) => boolean) {}

  /** A result was not finite. @returns whether to compute the item again, or to conclude that training has diverged */
  notFinite(index: number, from: Member): 'repeat' | 'diverged' {
    const given = [...(this.notFiniteBy.get(index) ?? []), from];
    this.notFiniteBy.set(index, given);
    const nodes = new Set(given);
    if (given.length < 2) return 'repeat';
    // The other node may never answer, and this one be asked again: so three results from one node are enough.
    return nodes.size < 2 && given.length < ENOUGH_OPINIONS && this.isThereAnother(nodes)
      ? 'repeat'
      : 'diverged';
  }

  /** A result was finite. @returns the other nodes whose results for the item were not */
  finite(index: number, from: Member): Member[] {
    const given = this.notFiniteBy.get(index) ?? [];
    this.notFiniteBy.delete(index);
    return given.filter((member) => member !== from);
  }
}
