/** What happened during a soak: a line each on the terminal and in soak.log, and the counts for the summary. */

import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class Journal {
  readonly faults = new Map<string, number>();
  private readonly startedMs = performance.now();
  private readonly file: string | undefined;

  constructor(private readonly folder: string | null) {
    if (folder === null) return;
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, 'soak.log');
    rmSync(this.file, { force: true });
  }

  get seconds(): number {
    return (performance.now() - this.startedMs) / 1000;
  }

  get faultCount(): number {
    return [...this.faults.values()].reduce((sum, count) => sum + count, 0);
  }

  say(text: string): void {
    const line = `${this.seconds.toFixed(1).padStart(7)} s  ${text}`;
    console.log(line);
    if (this.file !== undefined) appendFileSync(this.file, `${line}\n`);
  }

  fault(kind: string, detail: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.say(`fault ${this.faultCount}: ${kind}${detail ? `, ${detail}` : ''}`);
  }

  summarise(summary: Readonly<Record<string, unknown>>): void {
    const text = JSON.stringify(summary, null, 2);
    console.log(text);
    if (this.folder !== null) writeFileSync(path.join(this.folder, 'summary.json'), `${text}\n`);
  }
}
