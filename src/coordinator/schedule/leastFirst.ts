/**
 * The least of many values that may grow meanwhile: a heap that looks again only at what is on top. Of equal values, the one
 * that was given first.
 */

import { LeastHeap } from '../../foundation/leastHeap.js';

interface Entry<Thing> {
  readonly thing: Thing;
  readonly order: number;
  value: number;
}

export class LeastFirst<Thing> {
  private readonly heap: LeastHeap<Entry<Thing>>;

  /** @param valueOf the value at the moment: never less than before; infinite: it does not count any more */
  constructor(
    things: Iterable<Thing>,
    private readonly valueOf: (thing: Thing) => number,
  ) {
    this.heap = new LeastHeap(
      Array.from(things, (thing, order) => ({ thing, order, value: valueOf(thing) })),
    );
  }

  /** The thing with the least value of those for which `isMeant` holds. The others stay. */
  find(isMeant: (thing: Thing) => boolean): Thing | undefined {
    const others: Entry<Thing>[] = [];
    let top = this.top();
    for (; top && !isMeant(top.thing); top = this.top()) {
      others.push(top);
      this.heap.removeTop();
    }
    for (const entry of others) this.heap.push(entry);
    return top?.thing;
  }

  /** Takes the thing with the least value out. */
  take(): Thing | undefined {
    return this.top() && this.heap.removeTop()?.thing;
  }

  /** The entry with the least value, after its value was looked at again. */
  private top(): Entry<Thing> | undefined {
    for (let top = this.heap.top; top; top = this.heap.top) {
      const value = this.valueOf(top.thing);
      if (value === Infinity) {
        this.heap.removeTop();
      } else if (value > top.value) {
        top.value = value;
        this.heap.topHasGrown();
      } else {
        return top;
      }
    }
    return undefined;
  }
}
