/**
 * The events of a run, in one stream: metrics.jsonl, the progress display and `--json` all read it. `event` names the
 * kind. Each line of metrics.jsonl is one event with its `time`.
 */

import type { RunResult } from './result.js';
import type { NodeShare } from './shares.js';

export type RunEvent =
  | {
      readonly event: 'run-started';
      readonly runDir: string;
      readonly model: string;
      readonly dataset: string;
      readonly parameterCount: number;
      readonly trainingSamples: number;
      readonly validationSamples: number;
      readonly stepsPerEpoch: number;
      readonly epochs: number;
      /** Null for no limit. */
      readonly maxSteps: number | null;
      /** Steps already done; above 0 in a resumed run. Later steps, which are computed again, are removed from the file. */
      readonly resumedAtStep: number;
    }
  | {
      readonly event: 'step';
      /** Steps completed, this one included. */
      readonly step: number;
      readonly epoch: number;
      readonly lr: number;
      /** Means over the step's samples, before its update. */
      readonly loss: number;
      readonly accuracy: number;
      readonly samples: number;
      readonly imagesPerSecond: number;
      readonly stepMs: number;
      /** The part of `stepMs` in which no worker computed: planning, adding and updating. */
      readonly coordinationMs: number;
    }
  | {
      readonly event: 'epoch';
      /** Counted from 1. */
      readonly epoch: number;
      readonly step: number;
      readonly lr: number;
      readonly trainLoss: number;
      readonly trainAccuracy: number;
      /** Null in a run without validation samples. */
      readonly validationLoss: number | null;
      readonly validationAccuracy: number | null;
      /** How long the validation took; 0 without one. */
      readonly validationSeconds: number;
      readonly imagesPerSecond: number;
      readonly wallSeconds: number;
      readonly best: boolean;
      readonly weightsSha256: string;
      /** Who computed the gradients of the epoch, as far as this process has seen it; the largest share first. */
      readonly workers: readonly NodeShare[];
    }
  | ({ readonly event: 'worker-joined' } & MemberInfo)
  | ({ readonly event: 'worker-left'; readonly reason: string } & MemberInfo)
  /** A node was disconnected for a fault, and is not admitted again until its process restarts. `worker-left` follows. */
  | {
      readonly event: 'worker-refused';
      readonly node: string;
      readonly address: string;
      readonly reason: string;
    }
  /** Counts of a host's nodes since the last such event, when there are too many to report one by one. */
  | {
      readonly event: 'workers-changed';
      readonly address: string;
      readonly joined: number;
      readonly left: number;
      readonly refused: number;
      /** Items that they could not compute. */
      readonly failed: number;
      readonly workersNow: number;
    }
  /** Refused connections. `count` is their number since the last such event for this address and reason. */
  | {
      readonly event: 'connection-refused';
      readonly address: string;
      readonly reason: string;
      readonly count: number;
    }
  | {
      readonly event: 'listening';
      readonly url: string;
      readonly tokenRequired: boolean;
      /** The certificate file that workers must trust, if any. */
      readonly ca?: string | undefined;
      /** The file that the token was read from, if any. */
      readonly tokenFile?: string | undefined;
    }
  /** The live page of this run can be opened. */
  | { readonly event: 'page'; readonly url: string; readonly loginRequired: boolean }
  | {
      readonly event: 'waiting';
      readonly reason: string;
      /** Training goes on when this many workers are attached. */
      readonly workersNeeded: number;
      readonly timeoutSeconds: number;
    }
  | {
      readonly event: 'checkpoint';
      readonly step: number;
      readonly file: string;
      /** How long training stood still for the copy. */
      readonly stallMs: number;
      /** How long the background work took: hashing, writing, checking and renaming. */
      readonly writeMs: number;
      readonly byteCount: number;
    }
  | { readonly event: 'notice'; readonly message: string }
  | ({ readonly event: 'test' } & TestScore)
  | ({ readonly event: 'run-finished' } & RunResult);

export interface MemberInfo {
  readonly node: string;
  readonly engine: string;
  readonly device: string;
  readonly numericsClass: string;
  readonly threads: number;
  /** Workers attached after the event. */
  readonly workersNow: number;
}

export interface TestScore {
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly testSamples: number;
}

export type EventListener = (event: RunEvent) => void;
