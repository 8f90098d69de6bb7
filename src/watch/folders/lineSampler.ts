/** Chooses which of many lines of one kind are parsed: parsing takes nearly all of the time that reading a long file takes. */

/** Of lines that begin with `mark`, after their time, some at even distances are parsed, and the last one. */
export interface Sampling {
  readonly mark: string;
  /** About; 0: none are parsed. If there are fewer lines, all are. */
  readonly mostLines: number;
}

/** Fewer than a line of a step has, so that rather too many lines are chosen than too few. */
const BYTES_PER_LINE = 192;
/** A mark that tells what a line is stands before this byte of it. */
const MARK_BEFORE_BYTE = 96;
/** Where `"event"` stands in a line as Lockstep writes it: behind `{"time":"2026-01-01T00:00:00.000Z",`. */
const USUAL_MARK_AT = 35;

export class LineSampler {
  /** One of so many lines is chosen. */
  private readonly stride: number;
  /** Lines since the last one that was chosen. */
  private left = 0;
  /** The last line that was left out: its place in the bytes, then its text. */
  private lastFrom = -1;
  private lastTo = -1;
  private lastText = '';

  /** @param byteCount of all lines, about */
  constructor(
    private readonly sampling: Sampling,
    byteCount: number,
  ) {
    const { mostLines } = sampling;
    this.stride =
      mostLines === 0 ? Infinity : Math.max(1, Math.floor(byteCount / BYTES_PER_LINE / mostLines));
  }

  /** @returns for how many lines this one stands; 0 if it is left out */
  take(bytes: Buffer, from: number, to: number): number {
    if (!this.isMarked(bytes, from, to)) return 1;
    this.left++;
    if (this.left < this.stride) {
      this.lastFrom = from;
      this.lastTo = to;
      return 0;
    }
    const stands = this.left;
    this.left = 0;
    return stands;
  }

  /** To be called after the last line of these bytes. */
  keepLast(bytes: Buffer): void {
    const isWanted = this.lastFrom >= 0 && this.left > 0 && this.stride < Infinity;
    if (isWanted) this.lastText = bytes.toString('utf8', this.lastFrom, this.lastTo);
    this.lastFrom = -1;
  }

  /** The last line, unless it was chosen: a curve goes on to its end. */
  last(): { readonly text: string; readonly stands: number } | undefined {
    if (this.left === 0 || this.stride === Infinity) return undefined;
    return { text: this.lastText, stands: this.left };
  }

  private isMarked(bytes: Buffer, from: number, to: number): boolean {
    const { mark } = this.sampling;
    if (standsAt(bytes, from + USUAL_MARK_AT, mark)) return true; // many times as fast as searching
    return bytes.subarray(from, Math.min(to, from + MARK_BEFORE_BYTE)).includes(mark, 0, 'latin1');
  }
}

function standsAt(bytes: Buffer, from: number, mark: string): boolean {
  for (let at = 0; at < mark.length; at++) if (bytes[from + at] !== mark.charCodeAt(at)) return false;
  return true;
}
