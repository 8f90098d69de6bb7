/** One JSON object a line, the same as in metrics.jsonl, and nothing else. */

import { printableJson } from '../../foundation/printable.js';
import type { RunEvent } from '../../coordinator/index.js';
import type { Display } from './display.js';

export class JsonDisplay implements Display {
  constructor(private readonly out: NodeJS.WritableStream) {}

  event(event: RunEvent, timeMs: number): void {
    this.out.write(`${printableJson({ time: new Date(timeMs).toISOString(), ...event })}\n`);
  }

  download(): void {
    // Nothing: a download is no event of the run.
  }

  decoding(): void {
    // Nothing, likewise.
  }

  say(): void {
    // Nothing: sentences are for people.
  }

  close(): void {
    // Nothing is held.
  }
}
