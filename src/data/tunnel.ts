/** Connections through an HTTP proxy by CONNECT (RFC 9110, section 9.3.6): the proxy cannot read them. */

import { createRequire } from 'node:module';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type * as Agents from 'https-proxy-agent';

export interface Tunnel {
  readonly agent: Agents.HttpsProxyAgent<string>;
  /** Of the target; the agent does not know the name if it is an address. */
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined;
}

/** When it is needed, for it loads node:http: see `request` in fetchFile.ts. */
const load = createRequire(import.meta.url);

/** Options of a request to the target. */
export function tunnelThrough(proxy: URL, target: URL): Tunnel {
  const { HttpsProxyAgent } = load('https-proxy-agent') as typeof Agents;
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
