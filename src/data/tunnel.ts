/** Connections through an HTTP proxy by CONNECT (RFC 9110, section 9.3.6): the proxy cannot read them. */

import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { HttpsProxyAgent } from 'https-proxy-agent';

export interface Tunnel {
  readonly agent: HttpsProxyAgent<string>;
  /** Of the target; the agent does not know the name if it is an address. */
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

/** For messages: without user name and password. */
export function describeProxy({ host }: URL): string {
  return `the proxy ${host} (HTTPS_PROXY)`;
}
