/** The page's hold on its node. */

import { NODE_NAME } from './node/talk.js';
import type { FromNode, JoinOptions, ToNode } from './node/talk.js';

/** For the node's code, which is not to be had while the coordinator is away. */
const RETRY_AFTER_MS = 5000;

export class NodeHandle {
  private worker: Worker;
  /** Set while there is no node, for want of its code. */
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: JoinOptions,
    private readonly onMessage: (message: FromNode) => void,
  ) {
    this.worker = this.start();
  }

  /** It answers what it has begun; then it is over. */
  leave(): void {
    if (this.retryTimer === undefined) return tell(this.worker, { kind: 'leave' });
    clearTimeout(this.retryTimer);
    this.onMessage({ kind: 'over', end: { kind: 'lost', reason: 'it had not begun' } });
  }

  private start(): Worker {
    const worker = new Worker('/join/compute.js', { type: 'module', name: NODE_NAME });
    let hasSpoken = false;
    worker.addEventListener('message', ({ data }: MessageEvent<FromNode>) => {
      hasSpoken = true;
      if (data.kind === 'over') worker.terminate();
      this.onMessage(data);
    });
    worker.addEventListener('error', ({ message }) => {
      worker.terminate();
      // Browsers tell nothing of a script that could not be fetched, and something of every other error.
      if (!message && !hasSpoken) return this.retry();
      const reason = message || 'it stopped without a reason';
      this.onMessage({ kind: 'over', end: { kind: 'failed', reason } });
    });
    tell(worker, { kind: 'join', ...this.options });
    return worker;
  }

  private retry(): void {
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.worker = this.start();
    }, RETRY_AFTER_MS);
    const reason = `nobody answers at ${location.host}`;
    this.onMessage({ kind: 'lost', reason, retryInMs: RETRY_AFTER_MS });
  }
}

function tell(worker: Worker, message: ToNode): void {
  worker.postMessage(message);
}
