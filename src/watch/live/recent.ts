/** The latest of a kind: the oldest are dropped. */

export class Recent<Item> {
  private readonly items: Item[] = [];

  constructor(private readonly most: number) {}

  add(item: Item): void {
    this.items.push(item);
    if (this.items.length > this.most) this.items.shift();
  }

  latestFirst(): readonly Item[] {
    return this.items.toReversed();
  }
}
