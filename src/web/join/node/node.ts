/**
 * The node of a tab: a Worker that holds the connection and hands work to its threads. Not in the page itself: a page that
 * is hidden has its timers slowed down, a Worker of it has not.
 */

import { describeError } from '../../../foundation/errors.js';
import { BusyThreads, Conversation, newNodeSecret, serveUntilEnded } from '../../../worker/pages.js';
import { connectTab } from './connectTab.js';
import type { FromNode, JoinOptions, ToNode } from './talk.js';
import { Threads } from './threads.js';

const say = (message: FromNode): void => self.postMessage(message);

export function serveAsNode(): void {
  const leaving = new AbortController();
  self.addEventListener('message', ({ data }: MessageEvent<ToNode>) => {
    if (data.kind === 'leave') return leaving.abort();
    serve(data, leaving.signal).catch((error: unknown) =>
      say({ kind: 'over', end: 'failed', reason: describeError(error) }),
    );
  });
}

async function serve(options: JoinOptions, signal: AbortSignal): Promise<void> {
  const { pageUrl, token, nodeName, device, threads } = options;
  const pool = new Threads({ name: 'simd' }, threads, self.location.href);
  const description = { ...(await pool.describe()), device };
  say({ kind: 'ready', description });
  const nodeSecret = newNodeSecret();
  const busy = new BusyThreads();
  const end = await serveUntilEnded({
    retryForMs: Infinity,
    signal,
    onLost: (reason, retryInMs) => say({ kind: 'lost', reason, retryInMs }),
    attempt: () =>
      connectTab({
        pageUrl,
        token,
        signal,
        onConnected: () => say({ kind: 'connected' }),
        converse: (channel) =>
          new Conversation({
            ...{ channel, pool, description, nodeName, nodeSecret, busy, sendsSums: true },
            onWelcome: ({ runName, network }) => say({ kind: 'welcome', runName, network }),
            onAnswered: (item) =>
              say({
                kind: 'computed',
                step: item.kind === 'work' ? item.step : undefined,
                sampleCount: item.sampleCount,
              }),
          }),
      }),
  });
  pool.close();
  say({ kind: 'over', end: end.kind === 'unreachable' ? 'lost' : end.kind, reason: end.reason });
}
