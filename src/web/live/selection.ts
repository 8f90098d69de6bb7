/** Which runs are shown, and in which colour each is drawn while it is. */

export const COLOURS = [
  '#2f7fd6',
  '#d9622b',
  '#2c9c69',
  '#a452c4',
  '#c9941a',
  '#16a3b0',
  '#d14d8b',
  '#7a8794',
  '#6b5bd6',
  '#8a9a2b',
] as const;

export class Selection {
  private readonly colours = new Map<string, string>();

  get ids(): readonly string[] {
    return [...this.colours.keys()];
  }

  colourOf(id: string): string | undefined {
    return this.colours.get(id);
  }

  toggle(id: string): void {
    if (!this.colours.delete(id)) this.add(id);
  }

  add(id: string): void {
    if (!this.colours.has(id)) this.colours.set(id, this.freeColour());
  }

  /** A run whose folder is gone. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.ids) if (!ids.has(id)) this.colours.delete(id);
  }

  /** The one used least. */
  private freeColour(): string {
    const used = [...this.colours.values()];
    const uses = (colour: string): number => used.filter((each) => each === colour).length;
    return COLOURS.reduce((best, colour) => (uses(colour) < uses(best) ? colour : best));
  }
}
