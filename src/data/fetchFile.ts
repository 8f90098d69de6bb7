/** Downloads one file over HTTP(S), with a timeout for the connection and one for silence. */

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { describeError } from '../foundation/errors.js';
import { describeProxy, tunnelThrough } from './tunnel.js';

const MOST_REDIRECTS = 5;

export interface FetchTimeouts {
  /** Until the server answers. */
  readonly connectMs: number;
  /** Between two pieces of the body. */
  readonly stallMs: number;
}

export interface FetchFileOptions {
  readonly url: string;
  /** Must not exist yet. */
  readonly path: string;
  readonly timeouts: FetchTimeouts;
  /** A longer body is an error. */
  readonly maxByteCount: number;
  readonly onReceived: (receivedByteCount: number) => void;
  /** The proxy for an address, if any. */
  readonly proxyFor?: ((url: URL) => URL | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchedFile {
  readonly byteCount: number;
  readonly md5: string; // hex
}

/**
 * Writes the body to `path` as it arrives. Uses node:http rather than fetch(), which unpacks gzip-encoded bodies: some
 * servers label any .gz file so, and the checksum would be wrong.
 * @throws Error that says what went wrong; the caller removes what was written.
 */
export async function fetchFile(options: FetchFileOptions): Promise<FetchedFile> {
  const watchdog = new Watchdog(options.signal);
  try {
    watchdog.expectWithin(options.timeouts.connectMs, 'there was no answer');
    const response = await openUrl(options, watchdog.signal);
    return await writeBody(response, options, watchdog);
  } catch (error) {
    watchdog.signal.throwIfAborted(); // the reason says more than the socket error that follows
    throw error;
  } finally {
    watchdog.stop();
  }
}

async function writeBody(
  response: IncomingMessage,
  options: FetchFileOptions,
  watchdog: Watchdog,
): Promise<FetchedFile> {
  const hash = createHash('md5');
  const handle = await open(options.path, 'wx');
  let byteCount = 0;
  try {
    watchdog.expectWithin(options.timeouts.stallMs, 'nothing more came');
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      watchdog.expectWithin(options.timeouts.stallMs, 'nothing more came');
      byteCount += chunk.length;
      if (byteCount > options.maxByteCount) throw new Error(`more than ${options.maxByteCount} bytes came`);
      hash.update(chunk);
      await handle.writeFile(chunk); // continues where the last chunk ended
      options.onReceived(byteCount);
    }
    await handle.sync();
  } finally {
    response.destroy();
    await handle.close();
  }
  return { byteCount, md5: hash.digest('hex') };
}

/** Follows redirects. @throws Error unless the final answer is 200 */
async function openUrl(options: FetchFileOptions, signal: AbortSignal): Promise<IncomingMessage> {
  let target = new URL(options.url);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const proxy = options.proxyFor?.(target);
    const response = await request(target, proxy, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    if (statusCode < 300 || statusCode > 399 || headers.location === undefined) {
      throw new Error(
        `${proxy ? `${describeProxy(proxy)}, or the server,` : 'the server'} answered ${statusCode}`,
      );
    }
    target = new URL(headers.location, target);
  }
  throw new Error(`the server redirected more than ${MOST_REDIRECTS} times`);
}

/** Loads Node's HTTP modules, which worker threads do without: on Node 22 they reserve 10 GB of address space in each. */
async function request(url: URL, proxy: URL | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`${url.protocol} addresses are not supported, only http: and https:`);
  }
  const { get } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const tunnel = proxy ? tunnelThrough(proxy, url) : {};
    get(url, { signal, ...tunnel }, resolve).on('error', (error) =>
      reject(
        proxy
          ? new Error(`by way of ${describeProxy(proxy)}: ${describeError(error)}`, { cause: error })
          : error,
      ),
    );
  });
}

/** Aborts its signal when what is expected does not arrive in time, or when the caller's signal aborts. */
class Watchdog {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal | undefined) {
    this.signal =
      outer === undefined ? this.controller.signal : AbortSignal.any([outer, this.controller.signal]);
  }

  /** Replaces the previous expectation. */
  expectWithin(timeoutMs: number, complaint: string): void {
    this.stop();
    this.timer = setTimeout(() => {
      this.controller.abort(new Error(`${complaint} within ${timeoutMs / 1000} s`));
    }, timeoutMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
