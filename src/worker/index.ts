/** What other folders may use of the worker. */
export { ComputePool, defaultThreads } from './computePool.js';
export { startLocalNode } from './localNode.js';
export type { LocalNode } from './localNode.js';
export { serveCoordinator } from './connect.js';
export type { NodeStatus, ServeOptions } from './connect.js';
export type { AnsweredItem } from './queuedItem.js';
