/** A peer's host. The port is left out: it changes with every connection. */

/** @param peerName `host:port`, as channels name their peer */
export function hostOf(peerName: string): string {
  return peerName.replace(/:\d+$/, '');
}
