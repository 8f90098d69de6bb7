/** The runs below a folder, as the live page sees them: searched again each time, read only as far as they have grown. */

import path from 'node:path';
import { CurrentWeights } from '../folders/currentWeights.js';
import type { WeightsFrame } from '../folders/currentWeights.js';
import { findRuns, isRunFolder } from '../folders/findRuns.js';
import { readFirstLayer } from '../folders/firstLayer.js';
import { History } from '../folders/history.js';
import { RunSummariser } from '../folders/runSummary.js';
import { readSmallJson } from '../folders/smallJson.js';
import type { EvaluationAnswer, FiltersAnswer, ListedRun, RunAnswer } from './api.js';

/** Points of the steps that are kept and sent of each run: more than a screen has columns. */
const MOST_STEP_POINTS = 2000;
/** Histories held in memory; each has at most some hundred kilobytes, and one that was dropped is read again. */
const MOST_HISTORIES = 64;

interface KnownRun {
  readonly folder: string;
  readonly summariser: RunSummariser;
}

export class RunCatalog {
  private known: ReadonlyMap<string, KnownRun> = new Map();
  /** The one used last is the last. */
  private readonly histories = new Map<string, History>();

  private readonly weightFrames = new CurrentWeights();

  constructor(readonly root: string) {}

  /**
   * @param haveEnded the runs have ended, even if their folders are still locked
   * @throws LockstepError E_IO if the root cannot be read
   */
  async list(haveEnded = false): Promise<readonly ListedRun[]> {
    this.search();
    return Promise.all(
      [...this.known].map(async ([id, { summariser }]) => ({
        id,
        ...(await summariser.summarise(haveEnded)),
      })),
    );
  }

  /** Undefined for what is no run below the root. The id never leads elsewhere: it is only compared. */
  async run(id: string, withSteps: boolean): Promise<RunAnswer | undefined> {
    const folder = this.folderOf(id);
    if (folder === undefined) return undefined;
    const history = this.historyOf(folder, withSteps);
    await history.readOn();
    const { epochs, stepPoints, happenings, workers } = history;
    const config = readSmallJson(path.join(folder, 'config.json')) ?? {};
    const evaluations = await this.known.get(id)!.summariser.evaluations.list();
    return { id, config, epochs, steps: stepPoints, happenings, workers, evaluations };
  }

  /** Undefined for what is no evaluation of a run below the root: the name, too, is only compared. */
  async evaluation(id: string, name: string): Promise<EvaluationAnswer | undefined> {
    if (this.folderOf(id) === undefined) return undefined;
    return this.known.get(id)?.summariser.evaluations.read(name);
  }

  /** Undefined for what is no run below the root. */
  async filters(id: string): Promise<FiltersAnswer | undefined> {
    const folder = this.folderOf(id);
    return folder === undefined ? undefined : ((await readFirstLayer(folder)) ?? null);
  }

  /** Undefined for what is no run below the root; null where it has none that a page can use. */
  async weights(id: string): Promise<WeightsFrame | null | undefined> {
    const folder = this.folderOf(id);
    return folder === undefined ? undefined : ((await this.weightFrames.read(folder)) ?? null);
  }

  /** A page asks for runs that it was just told of: they are searched for again only if one is not known, or gone. */
  private folderOf(id: string): string | undefined {
    const folder = this.known.get(id)?.folder;
    if (folder !== undefined && isRunFolder(folder)) return folder;
    this.search();
    return this.known.get(id)?.folder;
  }

  private search(): void {
    const before = this.known;
    this.known = new Map(
      findRuns(this.root).map((folder) => {
        const id = path.relative(this.root, folder) || '.';
        return [id, before.get(id) ?? { folder, summariser: new RunSummariser(folder) }];
      }),
    );
  }

  private historyOf(folder: string, withSteps: boolean): History {
    const key = `${withSteps ? 'steps' : 'epochs'} ${folder}`;
    const history = this.histories.get(key) ?? new History(folder, withSteps ? MOST_STEP_POINTS : 0);
    this.histories.delete(key);
    this.histories.set(key, history);
    const [oldest] = this.histories.keys();
    if (this.histories.size > MOST_HISTORIES && oldest !== undefined) this.histories.delete(oldest);
    return history;
  }
}
