/** What other folders may use of the relay. */
export { serveRelay } from './serveRelay.js';
export type { RelayOptions } from './serveRelay.js';
