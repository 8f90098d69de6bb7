/**
 * Reads a run's metrics.jsonl from the process that writes it, for what follows the run at its own pace. The file is the
 * queue: it survives a kill, and it may grow while a follower waits for a disk or a network.
 */

import { metricsFileOf } from '../folders/findRuns.js';
import { BEGINNING, endOf, readLines } from '../folders/metricsLines.js';
import type { MetricsLine, Position } from '../folders/metricsLines.js';

/** Some hundreds of lines, which take a few milliseconds: then other work may go on. */
const MOST_BYTES = 64 << 10;

export interface Batch {
  readonly lines: readonly MetricsLine[];
  /** Where to read on once these are dealt with. */
  readonly next: Position;
}

export class MetricsCursor {
  private readonly file: string;

  /** @param skippedLines read before, of those behind the position */
  constructor(
    folder: string,
    private position: Position = BEGINNING,
    private skippedLines = 0,
  ) {
    this.file = metricsFileOf(folder);
  }

  /** Behind all lines. @throws the error of the file system */
  static async atEnd(folder: string): Promise<MetricsCursor> {
    return new MetricsCursor(folder, await endOf(metricsFileOf(folder)));
  }

  /** Behind the first line of this kind; undefined if there is none. @throws the error of the file system */
  static async behind(
    folder: string,
    isWanted: (line: MetricsLine) => boolean,
  ): Promise<MetricsCursor | undefined> {
    const cursor = new MetricsCursor(folder);
    for (;;) {
      const { lines, next } = await cursor.read();
      const index = lines.findIndex(isWanted);
      if (index >= 0) return new MetricsCursor(folder, cursor.position, index + 1);
      if (next.byte === cursor.position.byte) return undefined;
      cursor.moveTo(next);
    }
  }

  /**
   * The next lines; the same again until `moveTo` is called. None at the end.
   * @throws the error of the file system
   */
  async read(): Promise<Batch> {
    const lines: MetricsLine[] = [];
    const from = this.position;
    const onLine = (line: MetricsLine): void => void lines.push(line);
    const onRewritten = (): void => {
      throw new Error(`${this.file} was rewritten by another program`);
    };
    const next = await readLines(this.file, { from, mostBytes: MOST_BYTES, onLine, onRewritten });
    return { lines: lines.slice(this.skippedLines), next };
  }

  /** To be called once the lines of `read` are dealt with. @returns whether there may be more */
  moveTo(position: Position): boolean {
    const hasMoved = position.byte > this.position.byte;
    this.position = position;
    if (hasMoved) this.skippedLines = 0;
    return hasMoved;
  }
}
