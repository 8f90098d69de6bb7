/** One connection of the tab's node to its coordinator, from the handshake to the end of the conversation. */

import { ENDPOINT_PATH, subprotocolsFor } from '../../../protocol/pages.js';
import type { NodeChannel } from '../../../protocol/pages.js';
import { STOPPED_EARLY } from '../../../worker/pages.js';
import type { Attempt, Conversation } from '../../../worker/pages.js';
import { ConnectionWatch } from './connectionWatch.js';
import type { ConnectionWatchOptions } from './connectionWatch.js';
import { SocketChannel } from './socketChannel.js';

export interface ConnectOptions extends Omit<ConnectionWatchOptions, 'onGone'> {
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  readonly onConnected: () => void;
  readonly converse: (channel: NodeChannel) => Conversation;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A browser does not say why: for lack of a coordinator, of a right token, or of room. */
const NO_CONNECTION = 'the coordinator did not answer, or refused the token';

export function connectTab(options: ConnectOptions): Promise<Attempt> {
  const { pageUrl, token, signal, onConnected, converse } = options;
  const url = new URL(ENDPOINT_PATH, pageUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, subprotocolsFor(token));
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve) => {
    const fail = (reason: string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve({ wasConnected: false, end: { kind: 'lost', reason } });
    };
    const giveUp = (): void => {
      fail(signal.aborted ? STOPPED_EARLY : NO_CONNECTION);
      socket.close();
    };
    const timer = setTimeout(giveUp, HANDSHAKE_TIMEOUT_MS);
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    const refused = (): void => fail(NO_CONNECTION);
    socket.addEventListener('error', refused);
    socket.addEventListener('open', () => {
      clearTimeout(timer);
      socket.removeEventListener('error', refused); // from now on the conversation ends by itself, and says why
      signal.removeEventListener('abort', giveUp);
      onConnected();
      const watch = new ConnectionWatch({ ...options, onGone: (reason) => channel.abandon(reason) });
      const channel = new SocketChannel(socket, watch.heard);
      const conversation = converse(channel);
      const drain = (): void => conversation.drain();
      if (signal.aborted) drain();
      signal.addEventListener('abort', drain);
      void conversation.ended.then((end) => {
        watch.stop();
        signal.removeEventListener('abort', drain);
        resolve({ wasConnected: true, end });
      });
    });
  });
}
