/** `work`: takes part in the run of a coordinator. */

import { hostname } from 'node:os';
import { coordinatorUrl, HEARTBEAT_SETTINGS, TRAIN_WORKERS, workFor } from '../session/index.js';
import { defaultThreads } from '../worker/index.js';
import type { NodeStatus } from '../worker/index.js';
import { checkAuthority, checkDuration, checkMilliseconds, checkToken, proxyUrl } from './checks.js';
import { asLibraryErrors } from './errors.js';
import { checkSetting, ENGINE_KEYS, engineSettingsOf, refuseUnknown } from './options.js';
import type { EngineOptions } from './options.js';
import { inProgram } from './words.js';

export interface WorkOptions extends EngineOptions {
  /** Of the coordinator, such as `ws://192.0.2.7:7070`. */
  readonly url: string | URL;
  readonly token?: string | undefined;
  /** Certificate authority (PEM) to trust besides the public ones, for wss. */
  readonly ca?: string | undefined;
  /** An HTTP proxy to connect through. */
  readonly proxy?: string | URL | undefined;
  /** Left out: one for each core. */
  readonly threads?: number | undefined;
  /** What the coordinator calls this node. */
  readonly name?: string | undefined;
  /** How long to try to reach a coordinator that cannot be reached; ten minutes if left out. */
  readonly retryForMs?: number | undefined;
  /** Disconnect from the coordinator after this much silence. */
  readonly heartbeatTimeoutMs?: number | undefined;
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
  ...ENGINE_KEYS,
  ...['url', 'token', 'ca', 'proxy', 'threads', 'name', 'retryForMs', 'heartbeatTimeoutMs'],
  ...['signal', 'onStatus', 'onNotice'],
];
const RETRY_FOR_MS = 600_000;
const LONGEST_NAME = 200;

/**
 * Computes for a coordinator until its run ends or `signal` is aborted. Comes back by itself when the connection is lost.
 * @throws LockstepError, always: E_CONNECTION, E_REFUSED, E_ENGINE_UNAVAILABLE and others
 */
export function work(options: WorkOptions): Promise<WorkEnd> {
  return asLibraryErrors(async () => {
    refuseUnknown(options, KEYS);
    const { url, token, ca, proxy, threads, heartbeatTimeoutMs, onStatus, onNotice } = options;
    if (threads !== undefined) checkSetting('threads', threads, TRAIN_WORKERS.workers);
    checkMilliseconds('heartbeatTimeoutMs', heartbeatTimeoutMs, HEARTBEAT_SETTINGS.heartbeatTimeout);
    checkDuration('retryForMs', options.retryForMs);
    checkToken(token);
    checkAuthority(ca);
    const reason = await workFor({
      ...engineSettingsOf(options),
      cacheFolder: options.cacheDir,
      url: coordinatorUrl(String(url)),
      token,
      ca,
      proxy: proxyUrl(proxy),
      threads: threads ?? defaultThreads(),
      isThreadsGiven: threads !== undefined,
      nodeName: (options.name ?? `${hostname()}:${process.pid}`).slice(0, LONGEST_NAME),
      retryForMs: options.retryForMs ?? RETRY_FOR_MS,
      ...(heartbeatTimeoutMs === undefined ? {} : { heartbeatTimeoutMs }),
      signal: options.signal ?? new AbortController().signal,
      onStatus: (status) => onStatus?.(status),
      onNotice: (message) => onNotice?.(inProgram(message)),
      onReady: () => undefined,
    });
    return { reason };
  });
}
