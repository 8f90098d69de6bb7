/** The page's hold on its node. */

import { NODE_NAME } from './node/talk.js';
import type { FromNode, JoinOptions, ToNode } from './node/talk.js';

export class NodeHandle {
  private readonly worker = new Worker('/join/compute.js', { type: 'module', name: NODE_NAME });

  constructor(options: JoinOptions, onMessage: (message: FromNode) => void) {
    this.worker.addEventListener('message', ({ data }: MessageEvent<FromNode>) => {
      if (data.kind === 'over') this.worker.terminate();
      onMessage(data);
    });
    this.worker.addEventListener('error', ({ message }) => {
      this.worker.terminate();
      const reason = message || 'its code could not be loaded';
      onMessage({ kind: 'over', end: { kind: 'failed', reason } });
    });
    this.tell({ kind: 'join', ...options });
  }

  /** It answers what it has begun; then it is over. */
  leave(): void {
    this.tell({ kind: 'leave' });
  }

  private tell(message: ToNode): void {
    this.worker.postMessage(message);
  }
}
