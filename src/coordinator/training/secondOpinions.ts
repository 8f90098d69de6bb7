/**
 * What comes of results that are not finite: training may have diverged, or one machine may be faulty. So the item is
 * computed once more, by another node if there is another. Finite numbers that are wrong are not noticed here.
 */

import type { Member } from '../fleet/member.js';

/** So many of one and the same node are enough. */
const OPINIONS = 3;

export class SecondOpinions {
  private readonly notFiniteBy = new Map<number, Member[]>();

  /** @param isThereAnother whether anybody would take items who is none of the given */
  constructor(private readonly isThereAnother: (than: ReadonlySet<Member>) => boolean) {}

  /** @returns what to conclude from a result that is not finite: ask again, or believe it */
  notFinite(index: number, from: Member): 'again' | 'diverged' {
    const given = [...(this.notFiniteBy.get(index) ?? []), from];
    this.notFiniteBy.set(index, given);
    const nodes = new Set(given);
    if (given.length < 2) return 'again';
    // The other may never answer, and the first be asked again for that: three times the same is believed.
    return nodes.size < 2 && given.length < OPINIONS && this.isThereAnother(nodes) ? 'again' : 'diverged';
  }

  /** @returns whom a finite result contradicts: those that found the item not finite, but for the node itself */
  finite(index: number, from: Member): Member[] {
    const given = this.notFiniteBy.get(index) ?? [];
    this.notFiniteBy.delete(index);
    return given.filter((member) => member !== from);
  }
}
