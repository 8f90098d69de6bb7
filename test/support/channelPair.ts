/** The open channels of a coordinator and a node, over one real connection. */

import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { coordinatorChannel, NODE_SOCKET_OPTIONS, nodeChannel } from '../../src/protocol/index.js';
import type {
  CoordinatorChannel,
  CoordinatorMessage,
  FrameMemory,
  NodeChannel,
  NodeMessage,
} from '../../src/protocol/index.js';
import { linkTo } from './link.js';
import type { Link } from './link.js';

export interface Side<Channel, Message> {
  readonly channel: Channel;
  readonly socket: WebSocket;
  readonly transport: Socket;
  readonly messages: Message[];
  readonly closings: string[];
}

export interface ChannelPair {
  readonly coordinator: Side<CoordinatorChannel, NodeMessage>;
  readonly node: Side<NodeChannel, CoordinatorMessage>;
  /** Between them. */
  readonly link: Link;
}

export interface ChannelPairOptions {
  /** Heartbeat timeouts. */
  readonly coordinatorMs?: number;
  readonly nodeMs?: number;
  /** Of the coordinator. */
  readonly frameMemory?: FrameMemory;
}

export async function channelPair({
  coordinatorMs,
  nodeMs,
  frameMemory,
}: ChannelPairOptions = {}): Promise<ChannelPair> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 2 ** 26 });
  await once(server, 'listening');
  const link = await linkTo((server.address() as AddressInfo).port);
  onTestFinished(() => {
    link.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const accepted = new Promise<{ socket: WebSocket; transport: Socket }>((resolve) => {
    server.once('connection', (socket, request) => resolve({ socket, transport: request.socket }));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${link.port}`, {
    ...NODE_SOCKET_OPTIONS,
    maxPayload: 2 ** 26,
  });
  onTestFinished(() => socket.terminate());
  const upgraded = new Promise<Socket>((resolve) => {
    socket.once('upgrade', (response) => resolve(response.socket));
  });
  await once(socket, 'open');
  const [arrived, transport] = await Promise.all([accepted, upgraded]);
  const coordinator = {
    ...arrived,
    channel: coordinatorChannel(arrived.socket, 'the node', arrived.transport, {
      heartbeatTimeoutMs: coordinatorMs,
      frameMemory,
    }),
    messages: [] as NodeMessage[],
    closings: [] as string[],
  };
  const node = {
    socket,
    transport,
    channel: nodeChannel(socket, 'the coordinator', transport, nodeMs),
    messages: [] as CoordinatorMessage[],
    closings: [] as string[],
  };
  coordinator.channel.open({
    onMessage: (message) => coordinator.messages.push(message),
    onClose: (reason) => coordinator.closings.push(reason),
  });
  node.channel.open({
    onMessage: (message) => node.messages.push(message),
    onClose: (reason) => node.closings.push(reason),
  });
  return { coordinator, node, link };
}
