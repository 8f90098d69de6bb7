/** The page's hold on its node. */

import { LOAD_AGAIN_AFTER_MS, NODE_NAME } from './node/talk.js';
import type { FromNode, JoinOptions, NodeEnd, ToNode } from './node/talk.js';

const CODE = '/join/compute.js';

export class NodeHandle {
  private worker: Worker;
  /** Set while waiting to load the node's code again. */
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private isLeaving = false;

  constructor(
    private readonly options: JoinOptions,
    private readonly onMessage: (message: FromNode) => void,
  ) {
    this.worker = this.start();
  }

  /** It answers what it has begun; then it is over. */
  leave(): void {
    this.isLeaving = true;
    if (this.retryTimer === undefined) return tell(this.worker, { kind: 'leave' });
    clearTimeout(this.retryTimer);
    this.end(NOT_REACHED);
  }

  private start(): Worker {
    const worker = new Worker(CODE, { type: 'module', name: NODE_NAME });
    let hasSpoken = false;
    worker.addEventListener('message', ({ data }: MessageEvent<FromNode>) => {
      hasSpoken = true;
      if (data.kind === 'over') worker.terminate();
      this.onMessage(data);
    });
    worker.addEventListener('error', ({ message }) => {
      worker.terminate();
      if (message || hasSpoken)
        this.end({ kind: 'failed', reason: message || 'it stopped without a reason' });
      else void this.loadAgain();
    });
    tell(worker, { kind: 'join', ...this.options });
    return worker;
  }

  /** The browser does not say why it could not load the code. If nobody answers, it is tried again. */
  private async loadAgain(): Promise<void> {
    const isAway = await fetch(CODE, { cache: 'no-store' }).then(
      ({ status }) => status >= 500,
      () => true,
    );
    if (this.isLeaving) return this.end(NOT_REACHED);
    if (!isAway) return this.end({ kind: 'failed', reason: 'its code could not be loaded' });
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.worker = this.start();
    }, LOAD_AGAIN_AFTER_MS);
    const reason = `nobody answers at ${location.host}`;
    this.onMessage({ kind: 'lost', reason, retryInMs: LOAD_AGAIN_AFTER_MS });
  }

  private end(end: NodeEnd): void {
    this.onMessage({ kind: 'over', end });
  }
}

const NOT_REACHED: NodeEnd = { kind: 'lost', reason: 'it stopped before the coordinator was reached' };

function tell(worker: Worker, message: ToNode): void {
  worker.postMessage(message);
}
