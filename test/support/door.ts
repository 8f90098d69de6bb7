/** A coordinator's server on a real port, and raw connections to it from clients that do not speak WebSocket. */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { listen } from '../../src/coordinator/server/server.js';
import type { CoordinatorServer, ListenOptions } from '../../src/coordinator/server/server.js';
import { ENDPOINT_PATH } from '../../src/protocol/index.js';
import type { CoordinatorChannel, NodeMessage } from '../../src/protocol/index.js';

export interface Door {
  readonly server: CoordinatorServer;
  readonly port: number;
  readonly channels: CoordinatorChannel[];
  readonly messages: NodeMessage[];
  readonly closings: string[];
  /** For each closed connection, whether it was the node's fault. */
  readonly faults: ('bad-frame' | undefined)[];
}

export async function openDoor(change: Partial<ListenOptions> = {}): Promise<Door> {
  const channels: CoordinatorChannel[] = [];
  const messages: NodeMessage[] = [];
  const closings: string[] = [];
  const faults: Door['faults'] = [];
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    tls: undefined,
    insecure: false,
    maxFrameBytes: 100_000,
    onChannel: (channel) => {
      channels.push(channel);
      channel.open({
        onMessage: (message) => messages.push(message),
        onClose: (reason, fault) => {
          closings.push(reason);
          faults.push(fault);
        },
      });
    },
    ...change,
  });
  onTestFinished(() => server.close());
  return { server, port: Number(new URL(server.url).port), channels, messages, closings, faults };
}

export function dial({ server }: Door, options: ClientOptions = {}): WebSocket {
  const socket = new WebSocket(`${server.url}${ENDPOINT_PATH}`, options);
  onTestFinished(() => socket.terminate());
  return socket;
}

/** The result of an attempt to connect as a node: `open`, the HTTP status, or the error's code. */
export function outcomeOf(socket: WebSocket): Promise<number | string> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve('open'));
    socket.once('unexpected-response', (request, response) => {
      resolve(response.statusCode!);
      request.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

export async function dialled(door: Door, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = dial(door, options);
  const outcome = await outcomeOf(socket);
  if (outcome !== 'open') throw new Error(`the door answered ${outcome}`);
  return socket;
}

export interface RawConnection {
  readonly socket: Socket;
  /** Everything received. */
  readonly text: () => string;
  /** Resolves when the other side has ended the connection in any way. */
  readonly ended: Promise<void>;
}

/** A TCP connection that sends only what the test says and never ends by itself. @param from its loopback address */
export function rawConnection(
  { port }: { readonly port: number },
  text = '',
  from = '127.0.0.1',
): RawConnection {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let heard = '';
  socket.on('data', (data) => (heard += data.toString('latin1')));
  const ended = new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('end', () => resolve());
    socket.on('close', () => resolve());
  });
  if (text !== '') socket.write(text);
  return { socket, text: () => heard, ended };
}

export const UPGRADE_REQUEST = [
  `GET ${ENDPOINT_PATH} HTTP/1.1`,
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');
