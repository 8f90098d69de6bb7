/** What pages may use of the protocol: nothing of it needs Node. The bundler puts the version in. */
export { Broadcast } from './channel.js';
export type { ChannelHandlers, NodeChannel } from './channel.js';
export { decodeCoordinatorMessage, encodeMessage } from './codec.js';
export { DEFAULT_HEARTBEAT_TIMEOUT_MS } from './heartbeat.js';
export { ENDPOINT_PATH } from './messages.js';
export type { CoordinatorMessage, NodeMessage, Welcome } from './messages.js';
export { closeReason, ReceivingEnd } from './receivingEnd.js';
export { subprotocolsFor } from './subprotocol.js';
export { LOCKSTEP_VERSION } from './version.js';
