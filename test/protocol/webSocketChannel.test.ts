import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Broadcast, coordinatorChannel, nodeChannel } from '../../src/protocol/index.js';
import type {
  CoordinatorChannel,
  CoordinatorMessage,
  NodeChannel,
  NodeMessage,
} from '../../src/protocol/index.js';
import { until } from '../support/waiting.js';
import { evaluated, hello, parameters, result, welcome } from '../support/messages.js';

interface Side<Message> {
  readonly messages: Message[];
  readonly closings: string[];
}

interface Pair {
  readonly coordinator: Side<NodeMessage> & {
    readonly channel: CoordinatorChannel;
    readonly connection: WebSocket;
  };
  readonly node: Side<CoordinatorMessage> & { readonly channel: NodeChannel; readonly socket: WebSocket };
}

const servers: WebSocketServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

async function listening(): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 8 * 1024 * 1024 });
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

/** Two opened channels over one real connection. */
async function connected(server?: WebSocketServer): Promise<Pair> {
  const door = server ?? (await listening());
  const accepted = new Promise<{ socket: WebSocket; transport: Socket }>((resolve) => {
    door.once('connection', (socket, request) => resolve({ socket, transport: request.socket }));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${(door.address() as AddressInfo).port}`);
  const upgraded = new Promise<Socket>((resolve) => {
    socket.once('upgrade', (response) => resolve(response.socket));
  });
  const arrived = await accepted;
  const coordinator = {
    channel: coordinatorChannel(arrived.socket, 'the node', arrived.transport),
    connection: arrived.socket,
    messages: [] as NodeMessage[],
    closings: [] as string[],
  };
  coordinator.channel.open({
    onMessage: (message) => coordinator.messages.push(message),
    onClose: (reason) => coordinator.closings.push(reason),
  });
  const transport = await upgraded;
  const node = {
    channel: nodeChannel(socket, 'the coordinator', transport),
    socket,
    messages: [] as CoordinatorMessage[],
    closings: [] as string[],
  };
  node.channel.open({
    onMessage: (message) => node.messages.push(message),
    onClose: (reason) => node.closings.push(reason),
  });
  await until(() => socket.readyState === WebSocket.OPEN);
  return { coordinator, node };
}

describe('a WebSocket channel', () => {
  it('delivers in order, in both directions', async () => {
    const { coordinator, node } = await connected();
    node.channel.send(hello());
    for (let chunk = 0; chunk < 50; chunk++) node.channel.send(evaluated({ chunk }));
    coordinator.channel.send(welcome());
    coordinator.channel.send({ type: 'cancel', item: 'work', round: 1, index: 2 });
    await until(() => coordinator.messages.length === 51 && node.messages.length === 2);
    expect(coordinator.messages).toEqual([
      hello(),
      ...Array.from({ length: 50 }, (_, chunk) => evaluated({ chunk })),
    ]);
    expect(node.messages).toEqual([welcome(), { type: 'cancel', item: 'work', round: 1, index: 2 }]);
  });

  it('carries the weights of a large model whole, to several nodes from one encoding', async () => {
    const server = await listening();
    const pairs = [await connected(server), await connected(server)];
    const bytes = Uint8Array.from({ length: 6_900_000 }, (_, index) => (index * 31) % 256);
    const broadcast = new Broadcast(parameters({ parameters: bytes }));
    for (const { coordinator } of pairs) coordinator.channel.send(broadcast);
    for (const { node } of pairs) {
      await until(() => node.messages.length === 1);
      const [message] = node.messages;
      expect(message?.type === 'parameters' && Buffer.compare(message.parameters, bytes)).toBe(0);
    }
  });

  it('is closed by a frame that fails, with the reason, and no other channel with it', async () => {
    const server = await listening();
    const bad = await connected(server);
    const good = await connected(server);
    let code = 0;
    bad.node.socket.on('close', (closeCode) => (code = closeCode));
    bad.node.channel.send(hello());
    bad.node.socket.send(Uint8Array.of(0xc1));
    bad.node.channel.send(result());
    await until(() => bad.coordinator.closings.length > 0 && bad.node.closings.length > 0);
    expect(code).toBe(1002);
    expect(bad.coordinator.messages).toEqual([hello()]); // what came before it; nothing after it
    expect(bad.coordinator.closings).toEqual([expect.stringMatching(/not plain msgpack/)]);
    expect(bad.node.closings).toEqual([expect.stringMatching(/not plain msgpack/)]);

    good.node.channel.send(hello());
    await until(() => good.coordinator.messages.length === 1);
    expect(good.coordinator.closings).toEqual([]);
  });

  it('is closed by a frame that fails at once, whether or not its sender ever reads that', async () => {
    const { coordinator, node } = await connected();
    node.socket.pause(); // never answers the closing handshake
    node.socket.send(Uint8Array.of(0xc1));
    await until(() => coordinator.closings.length > 0);
    node.socket.terminate();
    await until(() => coordinator.connection.readyState === WebSocket.CLOSED);
    expect(coordinator.closings).toEqual([expect.stringMatching(/not plain msgpack/)]); // told once
  });

  it('is closed by a message of the wrong side, or as text', async () => {
    for (const frame of [JSON.stringify({ type: 'drain' }), JSON.stringify(hello())]) {
      const { coordinator, node } = await connected();
      node.socket.send(frame);
      await until(() => coordinator.closings.length > 0);
      expect(coordinator.messages).toEqual([]);
    }
    const { coordinator, node } = await connected();
    node.channel.send(welcome() as never);
    await until(() => coordinator.closings.length > 0);
    expect(coordinator.messages).toEqual([]);
  });

  it('is closed by a frame above the limit, with a reason', async () => {
    const { coordinator, node } = await connected();
    node.channel.send(result({ gradientSum: new Uint8Array(9 * 1024 * 1024) }));
    await until(() => coordinator.closings.length > 0);
    expect(coordinator.messages).toEqual([]);
    expect(coordinator.closings[0]).toMatch(/max payload/i);
  });

  it('closed by one side, tells both the reason exactly once, after what was sent', async () => {
    const { coordinator, node } = await connected();
    coordinator.channel.send({ type: 'bye', runEnded: true, reason: 'the end' });
    coordinator.channel.close('the run has ended');
    coordinator.channel.close('twice');
    coordinator.channel.send(welcome());
    await until(() => coordinator.closings.length > 0 && node.closings.length > 0);
    node.channel.send(hello());
    node.channel.close('late');
    expect(node.messages).toEqual([{ type: 'bye', runEnded: true, reason: 'the end' }]);
    expect(node.closings).toEqual(['the run has ended']);
    expect(coordinator.closings).toEqual(['the run has ended']);
    expect(coordinator.messages).toEqual([]);
  });

  it('takes a closing reason of any length and script', async () => {
    for (const reason of ['x'.repeat(500), 'ü'.repeat(100), '…'.repeat(100), '🚂'.repeat(50)]) {
      const { coordinator, node } = await connected();
      coordinator.channel.close(reason);
      await until(() => node.closings.length > 0);
      expect(node.closings[0]!.length).toBeGreaterThan(20);
      expect(reason.startsWith(node.closings[0]!)).toBe(true);
    }
  });

  it('says that the connection was lost when the other side vanishes', async () => {
    const { coordinator, node } = await connected();
    node.socket.terminate();
    await until(() => coordinator.closings.length > 0);
    expect(coordinator.closings).toEqual(['the connection was lost']);
  });
});
