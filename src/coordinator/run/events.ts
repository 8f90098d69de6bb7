/**
 * Everything that a run tells the world, as one stream: metrics.jsonl, the progress display and `--json` all read it.
 * `event` discriminates; each line of metrics.jsonl is one of these with `time`.
 */

import type { RunResult } from './result.js';

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
      /** Steps already done: above 0 in a resumed run. What an earlier sitting had written of later steps is taken out of the file. */
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
      /** The part of `stepMs` in which no worker computed for the run: planning, adding up, updating. */
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
      /** How long the validation took; 0 without. */
      readonly validationSeconds: number;
      readonly imagesPerSecond: number;
      readonly wallSeconds: number;
      readonly best: boolean;
      readonly weightsSha256: string;
    }
  | ({ readonly event: 'worker-joined' } & MemberInfo)
  | ({ readonly event: 'worker-left'; readonly reason: string } & MemberInfo)
  /** A node is cut off for what it did, and not admitted again until its process starts anew; `worker-left` follows. */
  | {
      readonly event: 'worker-refused';
      readonly node: string;
      readonly address: string;
      readonly reason: string;
    }
  /** Nodes of a host that came and went too often to be told of one by one: their numbers since the last such event. */
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
  /** Connections that became no node; `count` is their number since the last such event of this address and reason. */
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
      /** The certificate file that workers must be told to trust, if any. */
      readonly ca?: string | undefined;
      /** Where the token was read from, if it was a file. */
      readonly tokenFile?: string | undefined;
    }
  | { readonly event: 'waiting'; readonly reason: string; readonly timeoutSeconds: number }
  | {
      readonly event: 'checkpoint';
      readonly step: number;
      readonly file: string;
      /** How long training stood still for it. */
      readonly stallMs: number;
      /** How long it took in the background, from hashing to the renaming. */
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
