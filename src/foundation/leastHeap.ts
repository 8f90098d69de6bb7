/** A binary heap: gives the entry with the smallest value. Of entries with equal values, it gives the one with the lower order first. */

export interface HeapEntry {
  readonly value: number;
  /** Unique in its heap, so that the sequence of entries does not depend on how they came. */
  readonly order: number;
}

export class LeastHeap<Entry extends HeapEntry> {
  /** No entry is less than the one at half its place. */
  private entries: Entry[];

  constructor(entries: Iterable<Entry> = []) {
    this.entries = [...entries];
    this.arrange();
  }

  get size(): number {
    return this.entries.length;
  }

  /** The least; it stays. */
  get top(): Entry | undefined {
    return this.entries[0];
  }

  push(entry: Entry): void {
    const { entries } = this;
    let place = entries.push(entry) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isLess(entry, entries[above]!)) break;
      entries[place] = entries[above]!;
      place = above;
    }
    entries[place] = entry;
  }

  removeTop(): Entry | undefined {
    const { entries } = this;
    const top = entries[0];
    const last = entries.pop();
    if (top === undefined || last === undefined || top === last) return top;
    entries[0] = last;
    this.sink(0);
    return top;
  }

  /** Call it when the value of the top entry has grown. */
  topHasGrown(): void {
    this.sink(0);
  }

  keep(isWanted: (entry: Entry) => boolean): void {
    this.entries = this.entries.filter(isWanted);
    this.arrange();
  }

  private arrange(): void {
    for (let place = (this.entries.length >> 1) - 1; place >= 0; place--) this.sink(place);
  }

  private sink(from: number): void {
    const { entries } = this;
    const entry = entries[from]!;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= entries.length) break;
      if (below + 1 < entries.length && isLess(entries[below + 1]!, entries[below]!)) below++;
      if (!isLess(entries[below]!, entry)) break;
      entries[place] = entries[below]!;
      place = below;
    }
    entries[place] = entry;
  }
}

function isLess(one: HeapEntry, other: HeapEntry): boolean {
  return one.value < other.value || (one.value === other.value && one.order < other.order);
}
