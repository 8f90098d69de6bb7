/** The evaluations of a run: found again only when its folder has changed, and each read once, as none is ever replaced. */

import { statSync } from 'node:fs';
import { evaluationNames, readEvaluation } from '../../coordinator/index.js';
import type { Evaluation } from '../../coordinator/index.js';

/** Older ones stay in the folder and are not shown. */
const MOST_SHOWN = 20;
/** Read and kept in memory; each has at most some megabytes, and usually a tenth of one. */
const MOST_KEPT = 3;

export class Evaluations {
  private seen = '';
  private names: readonly string[] = [];
  private readonly kept = new Map<string, Evaluation>();

  constructor(private readonly folder: string) {}

  /** Names of files, the latest first. */
  async list(): Promise<readonly string[]> {
    const stats = statSync(this.folder, { throwIfNoEntry: false });
    const state = `${stats?.ino} ${stats?.mtimeMs}`;
    if (state !== this.seen) {
      this.names = (await evaluationNames(this.folder)).slice(0, MOST_SHOWN);
      this.seen = state;
    }
    return this.names;
  }

  /** Undefined for what is no evaluation of this run, or is damaged. */
  async read(name: string): Promise<Evaluation | undefined> {
    const known = this.kept.get(name);
    if (known) return known;
    if (!(await this.list()).includes(name)) return undefined;
    const evaluation = await readEvaluation(this.folder, name);
    if (!evaluation) return undefined;
    this.kept.set(name, evaluation);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MOST_KEPT && oldest !== undefined) this.kept.delete(oldest);
    return evaluation;
  }
}
