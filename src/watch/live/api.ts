/** What the live page asks for, and what it gets: JSON, by GET but for what changes something. */

import type { NodeView, RoundView } from '../../coordinator/index.js';
import type { Evaluation } from '../../coordinator/run/evaluation.js';
import type {
  EpochPoint,
  FirstLayer,
  Happening,
  RunSummary,
  StepPoint,
  WorkerShare,
} from '../folders/runData.js';

/**
 * GET api/me, for everyone. POST api/login with a LoginRequest sets a cookie and answers the same; POST api/logout ends that
 * session and what it has open.
 */
export interface MeAnswer {
  /** `none`: log in first. */
  readonly right: 'none' | 'view' | 'control';
  /** Whether there is a session to end. */
  readonly canLogOut: boolean;
  /** `folder`: finished and running runs below a folder. `run`: the run of this process, live. */
  readonly shows: 'folder' | 'run';
  /** POST api/stop: saves and stops, as Ctrl-C does. */
  readonly canStop: boolean;
  /** The command that attaches another machine; null where none can attach. Only its copy holds the token, if at all. */
  readonly attach: { readonly shown: string; readonly copied: string } | null;
  /** The link that makes a browser tab a worker; null where none can attach, and for viewers: it holds a secret. */
  readonly join: string | null;
}

/** Of the page by which a browser tab computes: GET, with the secret of its node in this header. */
export const RUN_PATH = '/join/run';
export const NODE_HEADER = 'lockstep-node';

/** Whether the coordinator has a connection of that node, and what only such a node is told. */
export type TabAnswer =
  { readonly isAttached: false } | { readonly isAttached: true; readonly losses: TabLosses };

/** Steps, counted from 1, and their mean losses; of a long run, means over several steps up to that one. */
export type TabLosses = readonly (readonly [step: number, loss: number])[];

export interface LoginRequest {
  readonly token: string;
}

/** GET api/runs */
export interface RunsAnswer {
  /** The folder that is shown. */
  readonly root: string;
  readonly version: string;
  readonly runs: readonly ListedRun[];
}

export interface ListedRun extends RunSummary {
  /** The run's path below the root: what `api/run` takes. */
  readonly id: string;
}

/** GET api/run?id=ID, or api/run?id=ID&steps=1 for a run with its steps, which are empty otherwise. */
export interface RunAnswer {
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly epochs: readonly EpochPoint[];
  readonly steps: readonly StepPoint[];
  readonly happenings: readonly Happening[];
  readonly workers: readonly WorkerShare[];
  /** Names of the evaluations, the latest first. */
  readonly evaluations: readonly string[];
}

export type LivePhase = 'starting' | 'waiting' | 'training' | 'ended';

/** GET api/live: server-sent events, each with one of these; `ended` when the process ends the run. */
export interface LiveView {
  /** The server's clock, since 1970. */
  readonly nowMs: number;
  readonly phase: LivePhase;
  /** Once the run has ended: by what; null: by an error. */
  readonly stoppedBy: string | null;
  /** The command that continues a run that was stopped; null for any other. */
  readonly resume: ResumeCommand | null;
  /** Somebody has asked to stop. */
  readonly isStopping: boolean;
  readonly waitingFor: string | null;
  /** Steps completed. */
  readonly step: number;
  readonly epochsCompleted: number;
  /** About, if it goes on as before and is not stopped early. */
  readonly secondsLeft: number | null;
  readonly loss: number | null;
  readonly stepsPerEpoch: number | null;
  readonly epochs: number | null;
  readonly maxSteps: number | null;
  readonly imagesPerSecond: number | null;
  readonly nodes: readonly LiveNode[];
  /** The round in progress, or else the last one that was seen. */
  readonly round: RoundView | null;
  readonly isRoundOver: boolean;
  readonly gone: readonly GoneNode[];
  readonly refusals: readonly Refusal[];
  /** Grows when `api/run` has more happenings. */
  readonly happeningCount: number;
}

export interface ResumeCommand {
  readonly command: string;
  /** What whoever gives it must know; null for nothing. */
  readonly note: string | null;
}

export interface LiveNode extends NodeView {
  /** Of training, lately. */
  readonly imagesPerSecond: number | null;
}

export interface GoneNode {
  readonly name: string;
  readonly reason: string;
  /** Since 1970. */
  readonly atMs: number;
}

export interface Refusal {
  readonly address: string;
  readonly reason: string;
  readonly count: number;
  readonly atMs: number;
}
/** GET api/evaluation?id=ID&name=NAME: one of the run's evaluations. Their content never changes. */
export type EvaluationAnswer = Evaluation;

/** GET api/weights?id=ID: the weights of the run, binary; this is its header (currentWeights.ts). */
export type { WeightsHeader } from '../folders/runData.js';

/** GET api/filters?id=ID: the filters of the first layer; null if the run has none that can be shown. */
export type FiltersAnswer = FirstLayer | null;
