/** What pages may use of the worker: nothing of it needs Node. */
export type { Engine, EngineChoice, EngineDescription } from '../engine/index.js';
export { BusyThreads, Conversation } from './conversation.js';
export type { ConversationEnd } from './conversationEnd.js';
export type { ItemPool } from './itemPool.js';
export { newNodeSecret } from './nodeSecret.js';
export type { AnsweredItem } from './queuedItem.js';
export { serveUntilEnded, STOPPED_EARLY } from './reconnect.js';
export type { Attempt, Unreachable } from './reconnect.js';
export { TaskRunner } from './taskRunner.js';
export type { LoadEngine } from './taskRunner.js';
export type {
  ComputeSession,
  GradientOutput,
  ItemAnswer,
  ItemTask,
  SharedState,
  ThreadAnswer,
  ThreadTask,
} from './task.js';
