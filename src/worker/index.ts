/** What other folders may use of the worker. */
export { ComputePool, defaultThreads, ItemTimeoutError } from './computePool.js';
export { startLocalNode } from './localNode.js';
export type { LocalNode } from './localNode.js';
export { serveCoordinator } from './connect.js';
export type { NodeStatus, ServeOptions, Whereabouts } from './connect.js';
export type { AnsweredItem } from './queuedItem.js';
