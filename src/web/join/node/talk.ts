/** What the page, its node and the node's threads say to each other. The node and the threads are Workers. */

import type { Welcome } from '../../../protocol/pages.js';
import type { TabLosses } from '../../../watch/live/api.js';
import type {
  AnsweredItem,
  ConversationEnd,
  EngineChoice,
  EngineDescription,
  GradientOutput,
  ItemTask,
  SharedState,
  ThreadAnswer,
} from '../../../worker/pages.js';

/** The file of a thread that computes on a GPU, beside compute.js. */
export const GPU_SCRIPT = 'gpu.js';

/** The names by which compute.js knows which of the two it is. */
export const NODE_NAME = 'lockstep-node';
export const THREAD_NAME = 'lockstep-thread';

/** `simd` computes with the processor, `webgpu` on the GPU. */
export type PageEngine = Extract<EngineDescription['name'], 'simd' | 'webgpu'>;

/** When to load the code of the node or of a thread again: it cannot be loaded while the coordinator is away. */
export const LOAD_AGAIN_AFTER_MS = 5000;

/** How the node is to take part. */
export interface JoinOptions {
  /** Of the page: the coordinator is on the same server. */
  readonly pageUrl: string;
  readonly token: string | undefined;
  readonly nodeName: string;
  /** The same for as long as the page is there; see `helloSchema`. */
  readonly nodeSecret: string;
  readonly engine: PageEngine;
  /** Of whose computer, for people: the processor's name, or what comes behind that of the GPU. */
  readonly device: string;
  readonly threads: number;
  /** Whether to compute in another class than the run's, which then is no longer exact. */
  readonly anyClass: boolean;
}

export type ToNode =
  | ({ readonly kind: 'join' } & JoinOptions)
  /** Answer what is in progress, then leave. */
  | { readonly kind: 'leave' };

export type FromNode =
  | { readonly kind: 'ready'; readonly description: EngineDescription }
  | { readonly kind: 'connected' }
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number }
  | { readonly kind: 'welcome'; readonly runName: string; readonly length: Welcome['length'] }
  | { readonly kind: 'computed'; readonly item: AnsweredItem }
  /** Of the run so far. */
  | { readonly kind: 'losses'; readonly losses: TabLosses }
  /** The last one. */
  | { readonly kind: 'over'; readonly end: NodeEnd };

export type NodeEnd =
  | ConversationEnd
  /** Nothing can be computed here, or nothing more. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Weights go to a thread once per version. */
export interface ToThread {
  readonly task: { readonly kind: 'describe'; readonly engine: EngineChoice } | Omit<ItemTask, 'state'>;
  readonly state?: SharedState;
  /** Goes there and back, so that no item needs new memory. */
  readonly output?: GradientOutput;
}

export interface FromThread {
  readonly answer: ThreadAnswer;
  readonly output?: GradientOutput;
}
