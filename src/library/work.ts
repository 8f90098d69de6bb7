/** `work`: takes part in the run of a coordinator. */

import { coordinatorUrl, WORKER_SETTINGS, workFor } from '../session/index.js';
import type { NodeStatus } from '../worker/index.js';
import { checkAuthority, checkToken, proxyUrl, refuseUnknown, urlText } from './checks.js';
import { asLibraryErrors } from './errors.js';
import type { EngineOptions } from './options.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';
import { inProgram } from './words.js';

/** What has no description here has one among [the options](../../docs/library-options.md). */
export interface WorkOptions extends GivenSettings<typeof WORKER_SETTINGS>, EngineOptions {
  /** Of the coordinator, such as `ws://192.0.2.7:7070`. */
  readonly url: string | URL;
  readonly token?: string | undefined;
  /** Certificate authority (PEM) to trust besides the public ones, for wss. */
  readonly ca?: string | undefined;
  /** An HTTP proxy to connect through. */
  readonly proxy?: string | URL | undefined;
  /** Aborted to leave: results of work in progress are handed in first. */
  readonly signal?: AbortSignal | undefined;
  readonly onStatus?: ((status: NodeStatus) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface WorkEnd {
  /** Why the node left, in words. */
  readonly reason: string;
}

const KEYS = [
  ...namesOf(WORKER_SETTINGS),
  ...['cacheDir', 'url', 'token', 'ca', 'proxy', 'signal', 'onStatus', 'onNotice'],
];

/**
 * Computes for a coordinator until its run ends or `signal` is aborted. Comes back by itself when the connection is lost.
 * @throws LockstepError, always: E_CONNECTION, E_REFUSED, E_ENGINE_UNAVAILABLE and others
 */
export function work(options: WorkOptions): Promise<WorkEnd> {
  return asLibraryErrors(async () => {
    refuseUnknown(options, KEYS);
    const { url, token, ca, proxy, onStatus, onNotice } = options;
    const settings = readSettings(WORKER_SETTINGS, options);
    checkToken(token);
    checkAuthority(ca);
    const reason = await workFor({
      ...settings,
      cacheFolder: options.cacheDir,
      url: coordinatorUrl(urlText('url', url, 'ws://127.0.0.1:7070')),
      token,
      ca,
      proxy: proxyUrl(proxy),
      isThreadsGiven: options.threads !== undefined,
      signal: options.signal ?? new AbortController().signal,
      onStatus: (status) => onStatus?.(status),
      onNotice: (message) => onNotice?.(inProgram(message)),
      onReady: () => undefined,
    });
    return { reason };
  });
}
