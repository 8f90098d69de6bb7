/** Connections through an HTTP proxy, which passes on what it cannot read (RFC 9110, section 9.3.6, CONNECT). */

import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { HttpsProxyAgent } from 'https-proxy-agent';

export interface Tunnel {
  readonly agent: HttpsProxyAgent<string>;
  /** Of the target: the agent alone would not know its name if that is an address. */
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined;
}

/** Options of a request to the target. */
export function tunnelThrough(proxy: URL, target: URL): Tunnel {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  return {
    agent: new HttpsProxyAgent(proxy),
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  };
}

/** For messages: without the name and password that may stand in it. */
export function describeProxy({ host }: URL): string {
  return `the proxy ${host} (HTTPS_PROXY)`;
}
