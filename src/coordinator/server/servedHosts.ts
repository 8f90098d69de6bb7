/**
 * The names by which browsers may ask a server for something. A page of another site can have its own name resolved to this
 * machine (DNS rebinding): the browser then takes that page and this server for one site. Only names can be misled so, not
 * addresses; and only those that this server does not know for its own.
 */

import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { TLSSocket } from 'node:tls';
import { isLoopback } from './address.js';

export interface ServedHostsOptions {
  /** By which other machines reach this one, besides its own name. */
  readonly names: readonly string[];
  /** The certificate (PEM), with TLS: whatever it is made out to is a name of this server. */
  readonly cert: string | undefined;
  /** Whether no secret is asked for: then only this machine may ask, by its loopback addresses. */
  readonly onlyLoopback: boolean;
}

export class ServedHosts {
  private readonly names: ReadonlySet<string>;
  private readonly certificate: X509Certificate | undefined;

  constructor(private readonly options: ServedHostsOptions) {
    const own = hostname().toLowerCase();
    this.names = new Set([own, `${own}.local`, ...options.names.map((name) => name.toLowerCase())]);
    this.certificate = options.cert === undefined ? undefined : new X509Certificate(options.cert);
  }

  /** The origin of this server as the request names it, such as `http://127.0.0.1:7070`; undefined if the name is not its own. */
  originOf({ headers: { host }, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string | undefined {
    const scheme = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
    const text = `${scheme}://${host ?? ''}`;
    // What is no name or address is not looked at: URLs may hold more, such as a semicolon, and users.
    if (host === undefined || !/^([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i.test(host) || !URL.canParse(text))
      return undefined;
    const { origin, hostname: name } = new URL(text);
    return this.isOwn(name) ? origin : undefined;
  }

  private isOwn(name: string): boolean {
    if (isLoopback(name)) return true;
    if (this.options.onlyLoopback) return false;
    return (
      isIP(name.replace(/^\[|\]$/g, '')) !== 0 ||
      this.names.has(name) ||
      this.certificate?.checkHost(name) !== undefined
    );
  }
}

/**
 * Whether a page of this very server asks. Browsers send an Origin with every WebSocket, and a page cannot change it; nodes
 * send none.
 */
export function isOfThisServer(request: IncomingMessage, hosts: ServedHosts): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const origin = hosts.originOf(request);
  return origin !== undefined && request.headers.origin === origin;
}
