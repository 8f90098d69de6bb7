/** What other folders may use of the worker. */
export { ComputePool, defaultThreads, ItemTimeoutError } from './computePool.js';
export { startLocalNode } from './localNode.js';
export type { LocalNode } from './localNode.js';
export { serveCoordinator, stayConnected } from './connect.js';
export type { ConnectionOptions, Dialogue, NodeStatus, ServeOptions, Whereabouts } from './connect.js';
export { endOf } from './conversationEnd.js';
export type { ConversationEnd } from './conversationEnd.js';
export { Departure } from './departure.js';
export { messageOf, SiblingSums } from './siblingSums.js';
export { exceededLimit } from './workLimits.js';
export type { AnsweredItem } from './queuedItem.js';
