/** What other folders may use of the worker. */
export { ComputePool, defaultThreads, ItemTimeoutError } from './computePool.js';
export { startLocalNode } from './localNode.js';
export type { LocalNode } from './localNode.js';
export { serveCoordinator, stayConnected } from './connect.js';
export type { ConnectionOptions, NodeStatus, ServeOptions, Whereabouts } from './connect.js';
export { Conversation } from './conversation.js';
export type { ConversationEnd } from './conversationEnd.js';
export { NodeDialogue } from './nodeDialogue.js';
export type { Dialogue, MessageToOwner, NodeDialogueOptions } from './nodeDialogue.js';
export { messageOf, SiblingSums } from './siblingSums.js';
export type { GradientSum } from './siblingSums.js';
export { exceededLimit } from './workLimits.js';
export { placeOf } from './queuedItem.js';
export type { ItemPool } from './itemPool.js';
export type { AnsweredItem } from './queuedItem.js';
