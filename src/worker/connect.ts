/** A node's connection to a remote coordinator. Reconnects by itself when the connection is lost. */

import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { describeError } from '../foundation/errors.js';
import type { LockstepError } from '../foundation/errors.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import { printable } from '../foundation/printable.js';
import { describeProxy, tunnelThrough } from '../data/index.js';
import {
  ENDPOINT_PATH,
  LARGEST_ITEM_BYTES,
  largestFrameBytes,
  NODE_SOCKET_OPTIONS,
  nodeChannel,
  receiveLimits,
  terminateAfter,
} from '../protocol/index.js';
import type { NodeChannel } from '../protocol/index.js';
import type { EngineDescription } from '../engine/index.js';
import { NETWORK_LIMITS } from '../model/index.js';
import type { ComputePool } from './computePool.js';
import { BusyThreads, Conversation } from './conversation.js';
import type { ConversationOptions } from './conversation.js';
import type { ConversationEnd } from './conversationEnd.js';
import type { Dialogue } from './nodeDialogue.js';
import { newNodeSecret } from './nodeSecret.js';
import { serveUntilEnded, STOPPED_EARLY } from './reconnect.js';
import type { Attempt } from './reconnect.js';
import { speaksTls } from './tlsProbe.js';
import { distrustOf, trustOptions } from './trust.js';

/** How a node reaches its coordinator. */
export interface ConnectionOptions {
  readonly url: URL;
  readonly token: string | undefined;
  /**
   * Where the coordinator is now, asked before each attempt: it may come back elsewhere, or have ended its run meanwhile.
   * Default: at `url`, with `token`.
   */
  readonly locate?: (() => Whereabouts | 'ended' | undefined) | undefined;
  /** PEM of a private certificate authority to trust in addition to the public ones, for wss. */
  readonly ca?: string | undefined;
  /** Connect through this HTTP proxy. */
  readonly proxy?: URL | undefined;
  /** How long to keep trying to reach the coordinator. */
  readonly retryForMs: number;
  /** Disconnect after this many milliseconds of silence; default: the protocol's. */
  readonly heartbeatTimeoutMs?: number;
  /** Aborted to leave: items in progress are answered first. */
  readonly signal: AbortSignal;
  readonly onStatus: (status: NodeStatus) => void;
}

export interface Whereabouts {
  readonly url: URL;
  readonly token: string | undefined;
}

export interface ServeOptions
  extends ConnectionOptions, Pick<ConversationOptions, 'onWelcome' | 'onAnswered'> {
  readonly pool: ComputePool;
  readonly description: EngineDescription;
  readonly nodeName: string;
}

/** @param nodeSecret the same over all connections of a node; see `helloSchema` */
export type Converse = (channel: NodeChannel, nodeSecret: string) => Dialogue;

export type NodeStatus =
  | { readonly kind: 'connected'; readonly url: string }
  | { readonly kind: 'disconnected'; readonly reason: string; readonly retryInMs: number };

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Time for the closing handshake. */
const CLOSING_MS = 2_000;
/** The longest reason that is shown. It is the peer's text. */
const REASON_LENGTH = 2000;
/** The largest frame a coordinator may send: the weights of the largest network, or the images of one item. */
const LARGEST_FRAME_BYTES = largestFrameBytes({
  parameterCount: NETWORK_LIMITS.parameters,
  statisticCount: NETWORK_LIMITS.statistics,
  samplesPerItem: 1,
  imageBytes: LARGEST_ITEM_BYTES,
  classCount: 0, // logits are sent to the coordinator only
});

/** Serves with the threads of a pool. See `stayConnected`. */
export function serveCoordinator(options: ServeOptions): Promise<string> {
  const busy = new BusyThreads();
  return stayConnected(
    options,
    (channel, nodeSecret) => new Conversation({ ...options, nodeSecret, busy, sendsSums: true, channel }),
  );
}

/**
 * Serves until the run has ended, the coordinator dismisses the node, or `signal` is aborted.
 * @returns why it ended
 * @throws LockstepError E_REFUSED or E_PROTOCOL if the coordinator refuses the node, E_CONNECTION if it cannot be reached
 */
export async function stayConnected(asked: ConnectionOptions, converse: Converse): Promise<string> {
  const { signal, retryForMs, onStatus, locate } = asked;
  const nodeSecret = newNodeSecret();
  let options = asked;
  const end = await serveUntilEnded({
    retryForMs,
    signal,
    attempt: async () => {
      const place = locate?.();
      if (place === 'ended') return RUN_HAS_ENDED;
      options = { ...asked, ...place };
      return connectAndServe(options, (channel) => converse(channel, nodeSecret));
    },
    onLost: (reason, retryInMs) => onStatus({ kind: 'disconnected', reason, retryInMs }),
  });
  if (end.kind === 'refused') throw refused(options.url, end);
  if (end.kind !== 'unreachable') return end.reason;
  throw new OptionError(
    [`cannot reach a coordinator at ${options.url.href}: ${end.reason}`],
    [advice('check that it is running and the URL'), advice('try longer with ', { option: 'retryFor' })],
    'E_CONNECTION',
  );
}

const RUN_HAS_ENDED: Attempt = {
  wasConnected: false,
  end: { kind: 'run-ended', reason: 'the run has ended' },
};

function connectAndServe(
  options: ConnectionOptions,
  converse: (channel: NodeChannel) => Dialogue,
): Promise<Attempt> {
  const { url, token, ca, proxy, signal, onStatus } = options;
  const socket = new WebSocket(url, {
    ...NODE_SOCKET_OPTIONS,
    ...receiveLimits(LARGEST_FRAME_BYTES),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...trustOptions(ca),
    ...(proxy ? tunnelThrough(proxy, url) : {}),
  });
  return new Promise((resolve) => {
    const fail = (end: ConversationEnd): void => resolve({ wasConnected: false, end });
    // Without this, a server that accepts and stays silent would delay leaving until the handshake times out.
    const giveUp = (): void => {
      fail({ kind: 'lost', reason: STOPPED_EARLY });
      socket.terminate();
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    socket.once('close', () => signal.removeEventListener('abort', giveUp));
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      fail(endOfResponse(response.statusCode, proxy));
    });
    let transport: Socket | undefined;
    let isOpen = false;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (isOpen) return; // the conversation ends by itself, and says why
      void endOfError(error, options).then(fail);
    });
    socket.once('upgrade', (response) => (transport = response.socket));
    socket.once('open', () => {
      isOpen = true;
      signal.removeEventListener('abort', giveUp);
      onStatus({ kind: 'connected', url: url.href });
      const conversation = converse(nodeChannel(socket, url.host, transport!, options.heartbeatTimeoutMs));
      const drain = (): void => conversation.drain();
      if (signal.aborted) drain();
      signal.addEventListener('abort', drain);
      void conversation.ended.then((end) => {
        signal.removeEventListener('abort', drain);
        terminateAfter(socket, CLOSING_MS); // the last messages are still sent
        resolve({ wasConnected: true, end: { ...end, reason: printable(end.reason, REASON_LENGTH) } });
      });
    });
  });
}

function endOfResponse(status: number | undefined, proxy: URL | undefined): ConversationEnd {
  if (status === 407 && proxy) {
    const reason = `${describeProxy(proxy)} wants a name and password; give them as http://NAME:PASSWORD@${proxy.host}`;
    return { kind: 'refused', code: 'E_REFUSED', reason };
  }
  if (status === 401) {
    return {
      kind: 'refused',
      code: 'E_REFUSED',
      reason: 'the token is missing or wrong',
      remedy: ['give the coordinator’s with ', { option: 'token' }],
    };
  }
  if (status === 404) {
    return {
      kind: 'refused',
      code: 'E_REFUSED',
      reason: `there is no Lockstep coordinator (${ENDPOINT_PATH} is not found)`,
    };
  }
  if (status === 503) return { kind: 'lost', reason: 'the coordinator has no room for more nodes' };
  const who = proxy ? `${describeProxy(proxy)}, or the server,` : 'the server';
  return { kind: 'lost', reason: `${who} answered with HTTP status ${status ?? 'unknown'}` };
}

/** Recognises errors that retrying does not cure: a certificate that is not trusted, or TLS on one side only. */
async function endOfError(
  error: NodeJS.ErrnoException,
  { url, proxy, signal }: Pick<ConnectionOptions, 'url' | 'proxy' | 'signal'>,
): Promise<ConversationEnd> {
  const reason = describeError(error) || (error.code ?? 'no connection');
  const distrust = distrustOf(error);
  const refusal = (why: string): ConversationEnd => ({ kind: 'refused', code: 'E_REFUSED', reason: why });
  if (distrust !== undefined) return { kind: 'refused', code: 'E_REFUSED', ...distrust };
  if (
    url.protocol === 'wss:' &&
    /WRONG_VERSION_NUMBER|wrong version number|packet length too long/.test(`${error.code} ${reason}`)
  ) {
    return refusal(`it listens without TLS; use ${withScheme(url, 'ws:')}`);
  }
  if (
    url.protocol === 'ws:' &&
    /ECONNRESET|HPE_/.test(error.code ?? '') &&
    (await speaksTls(hostOf(url), portOf(url), signal))
  ) {
    return refusal(`it listens with TLS; use ${withScheme(url, 'wss:')}`);
  }
  return { kind: 'lost', reason: proxy ? `by way of ${describeProxy(proxy)}: ${reason}` : reason };
}

/** The URL as the user would write it. */
function withScheme(url: URL, scheme: 'ws:' | 'wss:'): string {
  return `${scheme}//${hostOf(url).includes(':') ? url.hostname : hostOf(url)}:${portOf(url)}`;
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port);
}

function refused(
  url: URL,
  { code, reason, remedy }: Extract<ConversationEnd, { kind: 'refused' }>,
): LockstepError {
  const problem = [`this node cannot take part at ${url.href}: ${reason}`];
  return new OptionError(problem, remedy === undefined ? [] : [advice(...remedy)], code);
}
