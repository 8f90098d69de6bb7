/** Whoever connects is known by host: its port is another one with every connection. */

/** @param peerName host and port, as channels name their other side */
export function hostOf(peerName: string): string {
  return peerName.replace(/:\d+$/, '');
}
