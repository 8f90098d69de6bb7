/**
 * The node of a tab: a Worker that holds the connection and hands work to its threads. Not in the page itself: a page that
 * is hidden has its timers slowed down, a Worker of it has not.
 */

import { describeError } from '../../../foundation/errors.js';
import type { NodeChannel } from '../../../protocol/pages.js';
import { BusyThreads, Conversation, serveUntilEnded } from '../../../worker/pages.js';
import type { EngineChoice, EngineDescription } from '../../../worker/pages.js';
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

/** With the fastest class of this host; where the run has the one that every host can compute, with that. */
async function serve(options: JoinOptions, signal: AbortSignal): Promise<NodeEnd> {
  const end = await serveWith(await loadThreads('auto', options), options, signal);
  if (end.kind !== 'refused' || end.numericsClasses === undefined) return end;
  const plain = await loadThreads('simd', options);
  if (end.numericsClasses.includes(plain.description.numericsClass)) return serveWith(plain, options, signal);
  plain.pool.close();
  return end;
}

interface Loaded {
  readonly pool: Threads;
  readonly description: EngineDescription;
}

async function loadThreads(
  numerics: NonNullable<EngineChoice['numerics']>,
  { threads, device }: JoinOptions,
): Promise<Loaded> {
  const pool = new Threads({ name: 'simd', numerics }, threads, self.location.href);
  try {
    return { pool, description: { ...(await pool.describe()), device } };
  } catch (error) {
    pool.close();
    throw error;
  }
}

async function serveWith(loaded: Loaded, options: JoinOptions, signal: AbortSignal): Promise<NodeEnd> {
  say({ kind: 'ready', description: loaded.description });
  const converse = conversations(loaded, options);
  try {
    const end = await serveUntilEnded({
      retryForMs: Infinity,
      signal,
      attempt: () =>
        connectTab({ ...options, signal, converse, onConnected: () => say({ kind: 'connected' }) }),
      onLost: (reason, retryInMs) => say({ kind: 'lost', reason, retryInMs }),
    });
    return end.kind === 'unreachable' ? { ...end, kind: 'lost' } : end;
  } finally {
    loaded.pool.close();
  }
}

/** @returns what begins a conversation on a new connection; all share the threads */
function conversations(
  loaded: Loaded,
  { nodeName, nodeSecret, anyClass }: JoinOptions,
): (channel: NodeChannel) => Conversation {
  const common = { ...loaded, nodeName, nodeSecret, onlyClassOfRun: !anyClass, sendsSums: true };
  const busy = new BusyThreads();
  return (channel) =>
    new Conversation({
      ...{ ...common, busy, channel },
      onWelcome: ({ runName, length }) => say({ kind: 'welcome', runName, length }),
      onAnswered: (item) => say({ kind: 'computed', item }),
    });
}
