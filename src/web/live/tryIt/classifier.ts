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

export class Classifier {
  private worker: Worker | undefined;
  private weights:
    { readonly version: string; readonly ready: Extract<FromTry, { kind: 'ready' }> } | undefined;
  private last: Promise<unknown> = Promise.resolve();

  /**
   * One after the other.
   * @param version changes when the run has other weights
   */
  say(id: string, version: string, picture: RawPicture): Promise<Said> {
    const said = this.last.catch(() => undefined).then(() => this.classify(id, version, picture));
    this.last = said;
    return said;
  }

  private async classify(id: string, version: string, picture: RawPicture): Promise<Said> {
    if (this.weights?.version !== version) {
      const frame = await fetchWeights(id);
      const ready = await this.ask({ kind: 'weights', frame }, [frame]);
      if (ready.kind !== 'ready') throw new Error(problemOf(ready));
      this.weights = { version, ready };
    }
    const begunMs = performance.now();
    const answer = await this.ask({ kind: 'picture', ...picture }, [picture.pixels.buffer as ArrayBuffer]);
    if (answer.kind !== 'classified') throw new Error(problemOf(answer));
    const { checkpoint, epoch } = this.weights.ready;
    return { ...answer, checkpoint, epoch, tookMs: performance.now() - begunMs };
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
