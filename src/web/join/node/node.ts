/**
 * The node of a tab: a Worker that holds the connection and hands work to its threads. Not in the page itself: a page that
 * is hidden has its timers slowed down, a Worker of it has not.
 */

import { describeError } from '../../../foundation/errors.js';
import type { NodeChannel } from '../../../protocol/pages.js';
import { BusyThreads, Conversation, serveUntilEnded } from '../../../worker/pages.js';
import { connectTab } from './connectTab.js';
import type { FromNode, JoinOptions, NodeEnd, ToNode } from './talk.js';
import { Threads } from './threads.js';

const say = (message: FromNode): void => self.postMessage(message);

export function serveAsNode(): void {
  const leaving = new AbortController();
  self.addEventListener('message', ({ data }: MessageEvent<ToNode>) => {
    if (data.kind === 'leave') return leaving.abort();
    void serve(data, leaving.signal)
      .catch((error: unknown): NodeEnd => ({ kind: 'failed', reason: describeError(error) }))
      .then((end) => say({ kind: 'over', end }));
  });
}

async function serve(options: JoinOptions, signal: AbortSignal): Promise<NodeEnd> {
  const pool = new Threads({ name: 'simd' }, options.threads, self.location.href);
  try {
    const converse = await conversations(pool, options);
    const end = await serveUntilEnded({
      retryForMs: Infinity,
      signal,
      attempt: () =>
        connectTab({ ...options, signal, converse, onConnected: () => say({ kind: 'connected' }) }),
      onLost: (reason, retryInMs) => say({ kind: 'lost', reason, retryInMs }),
    });
    return end.kind === 'unreachable' ? { ...end, kind: 'lost' } : end;
  } finally {
    pool.close();
  }
}

/** @returns what begins a conversation on a new connection; all share the threads */
async function conversations(
  pool: Threads,
  { device, nodeName, nodeSecret }: JoinOptions,
): Promise<(channel: NodeChannel) => Conversation> {
  const description = { ...(await pool.describe()), device };
  say({ kind: 'ready', description });
  const busy = new BusyThreads();
  return (channel) =>
    new Conversation({
      ...{ channel, pool, description, nodeName, nodeSecret, busy, sendsSums: true },
      onWelcome: ({ runName }) => say({ kind: 'welcome', runName }),
      onAnswered: (item) => say({ kind: 'computed', item }),
    });
}
