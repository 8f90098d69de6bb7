/** Asks a Worker what a run's weights say of a picture. It is started for the first one. */

import { TRY_NAME } from '../../join/try/talk.js';
import type { Classified, FromTry, RawPicture, ToTry } from '../../join/try/talk.js';
import { fetchWeights } from '../api.js';

export interface Said extends Classified {
  /** Of which weights. */
  readonly checkpoint: 'best' | 'last';
  readonly epoch: number;
  readonly tookMs: number;
}

/** Those that the Worker has. */
interface Weights {
  readonly id: string;
  readonly tag: string;
  readonly ready: Extract<FromTry, { kind: 'ready' }>;
  readonly askedAtMs: number;
}

/** The camera has many pictures a second. */
const ASK_EVERY_MS = 2_000;

export class Classifier {
  private worker: Worker | undefined;
  private weights: Weights | undefined;
  private last: Promise<unknown> = Promise.resolve();

  /** By the weights that the run has now. One after the other. */
  say(id: string, picture: RawPicture): Promise<Said> {
    const said = this.last.catch(() => undefined).then(() => this.classify(id, picture));
    this.last = said;
    return said;
  }

  private async classify(id: string, picture: RawPicture): Promise<Said> {
    const { ready } = await this.weightsOf(id);
    const begunMs = performance.now();
    const answer = await this.ask({ kind: 'picture', ...picture }, [picture.pixels.buffer as ArrayBuffer]);
    if (answer.kind !== 'classified') throw new Error(problemOf(answer));
    const { checkpoint, epoch } = ready;
    return { ...answer, checkpoint, epoch, tookMs: performance.now() - begunMs };
  }

  /** Loads them only if they are others than those that the Worker has. */
  private async weightsOf(id: string): Promise<Weights> {
    const known = this.weights?.id === id ? this.weights : undefined;
    const nowMs = performance.now();
    if (known && nowMs - known.askedAtMs < ASK_EVERY_MS) return known;
    const fetched = await fetchWeights(id, known?.tag);
    if (!fetched && known) return (this.weights = { ...known, askedAtMs: nowMs });
    if (!fetched) throw new Error('the server sent no weights');
    const { frame, tag } = fetched;
    const ready = await this.ask({ kind: 'weights', frame }, [frame]);
    if (ready.kind !== 'ready') throw new Error(problemOf(ready));
    return (this.weights = { id, tag, ready, askedAtMs: nowMs });
  }

  private ask(message: ToTry, transfer: ArrayBuffer[]): Promise<FromTry> {
    this.worker ??= new Worker('compute.js', { type: 'module', name: TRY_NAME });
    const { worker } = this;
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromTry>) => resolve(data);
      worker.onerror = ({ message: why }) => {
        worker.terminate();
        this.worker = this.weights = undefined;
        reject(new Error(why || 'the computation failed'));
      };
      worker.postMessage(message, transfer);
    });
  }
}

function problemOf(answer: FromTry): string {
  return answer.kind === 'error' ? answer.message : `answered ${answer.kind}`;
}
