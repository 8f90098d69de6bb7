/** Connections through an HTTP proxy, which passes on what it cannot read (RFC 9110, section 9.3.6, CONNECT). */

import { createRequire } from 'node:module';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type * as Agents from 'https-proxy-agent';

export interface Tunnel {
  readonly agent: Agents.HttpsProxyAgent<string>;
  /** Of the target: the agent alone would not know its name if that is an address. */
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

/** For messages: without the name and password that may stand in it. */
export function describeProxy({ host }: URL): string {
  return `the proxy ${host} (HTTPS_PROXY)`;
}
