/** What one node has been asked and has not answered yet: an answer to anything else is not its to give. */

/** An item that was called off is never answered; the oldest are forgotten. */
const REMEMBERED = 4096;

export class GivenItems {
  /** How often each is still to be answered: an item that was called off too late and given again is answered twice. */
  private readonly counts = new Map<string, number>();

  add(key: string): void {
    const count = this.counts.get(key) ?? 0;
    this.counts.delete(key);
    this.counts.set(key, count + 1);
    if (this.counts.size > REMEMBERED) this.counts.delete(this.counts.keys().next().value!);
  }

  /** @returns whether it was asked, and has not been answered as often */
  answer(key: string): boolean {
    const count = this.counts.get(key) ?? 0;
    if (count > 1) this.counts.set(key, count - 1);
    else this.counts.delete(key);
    return count > 0;
  }
}
