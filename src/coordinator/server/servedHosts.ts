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
  originOf(request: Asking): string | undefined {
    const scheme = (request.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
    const url = askedUrl(request, scheme);
    return url && this.isOwn(url.hostname) ? url.origin : undefined;
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
  return isCalledSameOrigin(request) && isOrigin(request, hosts.originOf(request));
}

/**
 * The same where a secret is shown besides, so that a name need not be known: a proxy in front has names of its own. It may
 * also end TLS, and then the page's scheme is not this server's.
 */
export function isOfAskedServer(request: IncomingMessage): boolean {
  const origins = SCHEMES.map((scheme) => askedUrl(request, scheme)?.origin);
  return isCalledSameOrigin(request) && origins.some((origin) => isOrigin(request, origin));
}

/**
 * Whether the request names this machine by a loopback name or address. Where no secret is asked for, that keeps out pages of
 * other sites whose name was resolved to this machine.
 */
export function namesLoopback(request: Asking): boolean {
  const url = askedUrl(request, 'http');
  return url !== undefined && isLoopback(url.hostname);
}

type Asking = Pick<IncomingMessage, 'headers' | 'socket'>;

const SCHEMES = ['http', 'https'] as const;
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i;

/** What the Host header names; undefined if that is no name or address: URLs may hold more, such as a semicolon, and users. */
function askedUrl({ headers: { host = '' } }: Asking, scheme: (typeof SCHEMES)[number]): URL | undefined {
  const text = `${scheme}://${host}`;
  return HOST.test(host) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Browsers that know the header say what they think of the page; others say nothing. */
function isCalledSameOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

function isOrigin({ headers }: IncomingMessage, origin: string | undefined): boolean {
  return origin !== undefined && headers.origin === origin;
}
