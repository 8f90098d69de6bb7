/** A service that keeps the curves of runs. To add one: implement this, and give it an option (docs/watching.md). */

export interface Measurement {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  /** Since 1970. */
  readonly timeMs: number;
}

export interface TrackedRun {
  readonly name: string;
  readonly startedMs: number;
  readonly options: Readonly<Record<string, string>>;
}

export type EndState = 'finished' | 'stopped' | 'failed';

/** Every call may be repeated: its answer may have been lost. What a call throws is told to the user, without secrets. */
export interface Tracker {
  /** In notices, as in "MLflow". */
  readonly name: string;
  /** Where it is, without secrets: a run that is continued with another place is a new run there. */
  readonly place: string;
  /** @returns what the service calls the run */
  begin(run: TrackedRun, signal: AbortSignal): Promise<string>;
  /** Stores the options, and says that the run is under way: at the beginning and whenever it is resumed. */
  describe(id: string, run: TrackedRun, signal: AbortSignal): Promise<void>;
  log(id: string, measurements: readonly Measurement[], signal: AbortSignal): Promise<void>;
  end(id: string, state: EndState, timeMs: number, signal: AbortSignal): Promise<void>;
}
