/** What other folders may use of the relay. */
export { Crew } from './crew.js';
export { RelayConversation } from './relayConversation.js';
export { serveRelay } from './serveRelay.js';
export type { RelayOptions } from './serveRelay.js';
