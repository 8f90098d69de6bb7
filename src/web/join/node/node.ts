/**
 * The node of a tab: a Worker that holds the connection and hands work to its threads. Not in the page itself: a page that
 * is hidden has its timers slowed down, a Worker of it has not.
 */

import { describeError } from '../../../foundation/errors.js';
import type { NodeChannel } from '../../../protocol/pages.js';
import { BusyThreads, Conversation, serveUntilEnded } from '../../../worker/pages.js';
import type { EngineChoice, EngineDescription, ItemPool } from '../../../worker/pages.js';
import { connectTab } from './connectTab.js';
import { SecondTry } from './secondTry.js';
import { GPU_SCRIPT } from './talk.js';
import type { FromNode, JoinOptions, NodeEnd, ToNode } from './talk.js';
import { Threads } from './threads.js';

const say = (message: FromNode): void => self.postMessage(message);

export function serveAsNode(): void {
  const leaving = new AbortController();
  self.addEventListener('message', ({ data }: MessageEvent<ToNode>) => {
    if (data.kind === 'leave') return leaving.abort();
    void serve(data, leaving)
      .catch((error: unknown): NodeEnd => ({ kind: 'failed', reason: describeError(error) }))
      .then((end) => say({ kind: 'over', end }));
  });
}

function serve(options: JoinOptions, leaving: AbortController): Promise<NodeEnd> {
  return options.engine === 'webgpu' ? serveOnGpu(options, leaving) : serveExactly(options, leaving.signal);
}

/** With the fastest class of this host; where the run has the one that every host can compute, with that. */
async function serveExactly(options: JoinOptions, signal: AbortSignal): Promise<NodeEnd> {
  const end = await serveWith(
    await loadThreads({ name: 'simd', numerics: 'auto' }, options),
    options,
    signal,
  );
  if (end.kind !== 'refused' || end.numericsClasses === undefined) return end;
  const plain = await loadThreads({ name: 'simd', numerics: 'simd' }, options);
  if (end.numericsClasses.includes(plain.description.numericsClass)) return serveWith(plain, options, signal);
  plain.close();
  return end;
}

/** Leaves when an item has failed twice; what the node has begun it still answers. */
async function serveOnGpu(options: JoinOptions, leaving: AbortController): Promise<NodeEnd> {
  const loaded = await loadThreads({ name: 'webgpu' }, options);
  let broken: string | undefined;
  const pool = new SecondTry(loaded.pool, (reason) => {
    broken ??= reason;
    leaving.abort();
  });
  const end = await serveWith({ ...loaded, pool }, options, leaving.signal);
  return broken === undefined ? end : { kind: 'failed', reason: broken };
}

interface Loaded {
  readonly pool: ItemPool;
  readonly description: EngineDescription;
  readonly close: () => void;
}

async function loadThreads(choice: EngineChoice, { threads, device }: JoinOptions): Promise<Loaded> {
  const script = choice.name === 'webgpu' ? new URL(GPU_SCRIPT, self.location.href) : self.location;
  const pool = new Threads(choice, threads, script.href);
  try {
    const described = await pool.describe();
    const shown = choice.name === 'webgpu' ? `${described.device}, ${device}` : device;
    return { pool, description: { ...described, device: shown }, close: () => pool.close() };
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
        connectTab({
          ...{ ...options, signal, converse },
          onConnected: () => say({ kind: 'connected' }),
          onLosses: (losses) => say({ kind: 'losses', losses }),
        }),
      onLost: (reason, retryInMs) => say({ kind: 'lost', reason, retryInMs }),
    });
    return end.kind === 'unreachable' ? { ...end, kind: 'lost' } : end;
  } finally {
    loaded.close();
  }
}

/** @returns what begins a conversation on a new connection; all share the threads */
function conversations(
  loaded: Loaded,
  { nodeName, nodeSecret, anyClass }: JoinOptions,
): (channel: NodeChannel) => Conversation {
  const { pool, description } = loaded;
  const common = { pool, description, nodeName, nodeSecret, onlyClassOfRun: !anyClass, sendsSums: true };
  const busy = new BusyThreads();
  return (channel) =>
    new Conversation({
      ...{ ...common, busy, channel },
      onWelcome: ({ runName, length }) => say({ kind: 'welcome', runName, length }),
      onAnswered: (item) => say({ kind: 'computed', item }),
    });
}
