/**
 * The least of many values that may grow meanwhile: a heap that looks again only at what is on top. Of equal values, the one
 * that was given first.
 */

interface Entry<Thing> {
  readonly thing: Thing;
  readonly order: number;
  value: number;
}

export class LeastFirst<Thing> {
  /** No entry is less than the one at half its place. */
  private readonly heap: Entry<Thing>[];

  /** @param valueOf the value at the moment: never less than before; infinite: it does not count any more */
  constructor(
    things: Iterable<Thing>,
    private readonly valueOf: (thing: Thing) => number,
  ) {
    this.heap = Array.from(things, (thing, order) => ({ thing, order, value: valueOf(thing) }));
    for (let place = (this.heap.length >> 1) - 1; place >= 0; place--) this.sink(place);
  }

  /** The thing with the least value of those for which `isMeant` holds. The others stay. */
  find(isMeant: (thing: Thing) => boolean): Thing | undefined {
    const others: Entry<Thing>[] = [];
    let top = this.top();
    for (; top && !isMeant(top.thing); top = this.top()) others.push(this.removeTop());
    for (const entry of others) this.push(entry);
    return top?.thing;
  }

  /** Takes the thing with the least value out. */
  take(): Thing | undefined {
    return this.top() && this.removeTop().thing;
  }

  /** The entry with the least value, after its value was looked at again. */
  private top(): Entry<Thing> | undefined {
    for (let top = this.heap[0]; top; top = this.heap[0]) {
      const value = this.valueOf(top.thing);
      if (value === Infinity) {
        this.removeTop();
      } else if (value > top.value) {
        top.value = value;
        this.sink(0);
      } else {
        return top;
      }
    }
    return undefined;
  }

  private removeTop(): Entry<Thing> {
    const { heap } = this;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (top !== last) {
      heap[0] = last;
      this.sink(0);
    }
    return top;
  }

  private push(entry: Entry<Thing>): void {
    const { heap } = this;
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isLess(entry, heap[above]!)) break;
      heap[place] = heap[above]!;
      place = above;
    }
    heap[place] = entry;
  }

  private sink(from: number): void {
    const { heap } = this;
    const entry = heap[from]!;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isLess(heap[below + 1]!, heap[below]!)) below++;
      if (!isLess(heap[below]!, entry)) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = entry;
  }
}

function isLess<Thing>(one: Entry<Thing>, other: Entry<Thing>): boolean {
  return one.value < other.value || (one.value === other.value && one.order < other.order);
}
