/** The secret by which a coordinator recognises a node when it reconnects. */

const BYTES = 16;
const HEX = 16;

/** Identifies the node; does not affect what it computes. By the Web's interface, which Node has as well. */
export function newNodeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(HEX).padStart(2, '0')).join('');
}
