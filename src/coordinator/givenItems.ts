/** What one node has been asked and has not answered yet: an answer to anything else is not its to give. */

/** An item that was called off is never answered; the oldest are forgotten. */
const REMEMBERED = 4096;

export class GivenItems {
  private readonly keys = new Set<string>();

  add(key: string): void {
    this.keys.delete(key);
    this.keys.add(key);
    if (this.keys.size > REMEMBERED) this.keys.delete(this.keys.values().next().value!);
  }

  /** @returns whether it was asked, and not answered before */
  answer(key: string): boolean {
    return this.keys.delete(key);
  }
}
