/** What other folders may use of the protocol. */
export * from './messages.js';
export { encodeMessage, decodeNodeMessage, decodeCoordinatorMessage, largestFrameBytes } from './codec.js';
export { Broadcast, createLocalChannel } from './channel.js';
export type {
  AnyMessage,
  Channel,
  ChannelHandlers,
  CoordinatorChannel,
  NodeChannel,
  Traffic,
} from './channel.js';
export { DEFAULT_HEARTBEAT_TIMEOUT_MS, SHORTEST_HEARTBEAT_TIMEOUT_MS } from './heartbeat.js';
export { coordinatorChannel, NODE_SOCKET_OPTIONS, nodeChannel, terminateAfter } from './webSocketChannel.js';
export { FrameMemory } from './frameMemory.js';
export { OutgoingQueue } from './outgoingQueue.js';
export type { FrameSocket } from './outgoingQueue.js';
export { receiveLimits } from './receiveLimits.js';
export { SUBPROTOCOL, subprotocolsFor, tokenInSubprotocols } from './subprotocol.js';
export { LOCKSTEP_VERSION } from './version.js';
