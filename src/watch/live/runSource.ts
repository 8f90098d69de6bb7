/** The runs that a page shows: those below a folder, or the one of this process. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { WeightsFrame } from '../folders/currentWeights.js';
import type { EvaluationAnswer, FiltersAnswer, ListedRun, RunAnswer } from './api.js';
import { RunCatalog } from './runCatalog.js';

export interface RunSource {
  readonly root: string;
  list(): Promise<readonly ListedRun[]>;
  run(id: string, withSteps: boolean): Promise<RunAnswer | undefined>;
  evaluation(id: string, name: string): Promise<EvaluationAnswer | undefined>;
  filters(id: string): Promise<FiltersAnswer | undefined>;
  /** See currentWeights.ts; null where the run has none that a page can use. */
  weights(id: string): Promise<WeightsFrame | null | undefined>;
}

/** The one run of this process, once it has its folder. */
export class OwnRun implements RunSource {
  private catalog: RunCatalog | undefined;
  private name = '';
  private folder = '';
  private hasEnded = false;

  get root(): string {
    return this.folder;
  }

  is(folder: string): void {
    this.folder = folder;
    this.name = path.basename(path.resolve(folder));
    this.catalog = new RunCatalog(folder);
  }

  /** It has its result: the folder is still locked, but nothing is computed any more. */
  end(): void {
    this.hasEnded = true;
  }

  async list(): Promise<readonly ListedRun[]> {
    if (!this.catalog || !existsSync(this.folder)) return [];
    return (await this.catalog.list(this.hasEnded)).slice(0, 1).map((run) => ({ ...run, id: this.name }));
  }

  async run(id: string, withSteps: boolean): Promise<RunAnswer | undefined> {
    if (!this.catalog || id !== this.name) return undefined;
    const answer = await this.catalog.run('.', withSteps);
    return answer && { ...answer, id };
  }

  async evaluation(id: string, name: string): Promise<EvaluationAnswer | undefined> {
    return id === this.name ? this.catalog?.evaluation('.', name) : undefined;
  }

  async filters(id: string): Promise<FiltersAnswer | undefined> {
    return id === this.name ? this.catalog?.filters('.') : undefined;
  }

  async weights(id: string): Promise<WeightsFrame | null | undefined> {
    return id === this.name ? this.catalog?.weights('.') : undefined;
  }
}
