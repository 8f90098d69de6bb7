/** What an attached node may send and leave unread, over real sockets. */

import { EventEmitter } from 'node:events';
import { connect, Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  Broadcast,
  coordinatorChannel,
  decodeCoordinatorMessage,
  encodeMessage,
  ENDPOINT_PATH,
} from '../../../src/protocol/index.js';
import type { NodeMessage } from '../../../src/protocol/index.js';
import { WebSocket } from 'ws';
import { guardedChannel } from '../../../src/coordinator/server/peerGuard.js';
import { dial, dialled, openDoor, outcomeOf, UPGRADE_REQUEST } from '../../support/door.js';
import type { Door } from '../../support/door.js';
import {
  evaluated,
  evaluateMessage,
  failed,
  hello,
  parameters,
  result,
  workers,
} from '../../support/messages.js';
import { settled, until } from '../../support/waiting.js';

const MEBIBYTE = 1024 * 1024;

/** The code and the reason with which the connection was closed. */
function closingOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
}

/** A connection on which the test writes frames by hand. */
async function handWritten(door: Door): Promise<Socket> {
  const socket = connect(door.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.write(UPGRADE_REQUEST);
  let answer = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  await until(() => answer.includes('\r\n\r\n'));
  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

/** A masked frame (RFC 6455 section 5.2) with a payload of less than 126 bytes and a mask of zeros. */
function frame(opcode: number, payload: Uint8Array, { last = true, reserved = 0 } = {}): Buffer {
  const head = Buffer.from([(last ? 0x80 : 0) | reserved | opcode, 0x80 | payload.length, 0, 0, 0, 0]);
  return Buffer.concat([head, payload]);
}

describe('messages', () => {
  it('beyond what a node was sent end its connection with E_LIMIT, and no other', async () => {
    const door = await openDoor();
    const [bad, good] = [await dialled(door), await dialled(door)];
    const closing = closingOf(bad);
    bad.send(encodeMessage(hello()));
    for (let count = 0; count < 1000; count++) bad.send(encodeMessage(evaluated()));
    expect(await closing).toEqual({ code: 1008, reason: expect.stringMatching(/^E_LIMIT: more messages/) });
    await until(() => door.closings.length === 1);
    expect(door.closings[0]).toMatch(/^E_LIMIT: more messages than its work explains/);
    expect(door.faults).toEqual(['bad-frame']); // it counts against the node, should it come back
    expect(door.messages.length).toBeLessThan(100);
    good.send(encodeMessage(hello({ nodeName: 'good' })));
    await until(() =>
      door.messages.some((message) => message.type === 'hello' && message.nodeName === 'good'),
    );
    expect(door.closings).toHaveLength(1);
  });

  it('that answer items are never too many', async () => {
    const door = await openDoor();
    const node = await dialled(door);
    node.on('message', () => node.send(encodeMessage(evaluated())));
    for (let round = 0; round < 1000; round++) door.channels[0]!.send(evaluateMessage());
    await until(() => door.messages.length === 1000);
    expect(door.closings).toEqual([]);
  });

  it('are no more counted for a coordinator that has cut the node off, and it is told so at once', async () => {
    const door = await openDoor();
    const node = await handWritten(door);
    const unread = frame(2, encodeMessage({ type: 'drain' }));
    for (let count = 0; count < 200; count++) node.write(unread); // never answers the closing handshake either
    await until(() => door.closings.length === 1);
    door.channels[0]!.send(evaluateMessage()); // nobody is there: nothing happens
    await new Promise((resolve) => node.once('close', resolve));
    expect(door.closings).toHaveLength(1);
  });
});

describe('control frames', () => {
  it.each<[string, number]>([
    ['pings', 9],
    ['pongs', 10],
  ])('a flood of %s ends the connection with E_LIMIT', async (_what, opcode) => {
    const door = await openDoor();
    const node = await handWritten(door);
    for (let count = 0; count < 50_000; count++) node.write(frame(opcode, new Uint8Array(100)));
    await until(() => door.closings.length === 1);
    expect(door.closings).toEqual(['E_LIMIT: a flood of pings']);
  });

  it('as many as an honest node sends after a stall are answered', async () => {
    const door = await openDoor();
    const node = await dialled(door);
    const answers: string[] = [];
    node.on('pong', (data) => answers.push(data.toString()));
    for (let count = 1; count <= 40; count++) node.ping(String(count));
    await until(() => answers.includes('40'));
    expect(door.closings).toEqual([]);
  });
});

describe('a node that does not read', () => {
  it('is not written to without end, and is cut off with E_LIMIT though it goes on talking', async () => {
    const door = await openDoor({ maxFrameBytes: 2 * MEBIBYTE, unreadTimeoutMs: 300 });
    const node = await dialled(door);
    node.pause();
    const talk = setInterval(() => node.ping(), 50); // to the heartbeat it is alive
    onTestFinished(() => clearInterval(talk));
    await until(() => door.channels.length === 1);
    const [channel] = door.channels;
    const state = new Broadcast(parameters({ parameters: new Uint8Array(MEBIBYTE) }));
    let [sent, taken, dropped, nowMs] = [0, 0, 0, performance.now()];
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    onTestFinished(() => void vi.restoreAllMocks());
    const send = (): void => {
      channel!.send(state, () => taken++);
      channel!.send(evaluateMessage({ pixels: new Uint8Array(100_000) }), undefined, () => dropped++);
      sent++;
    };
    while (sent < 50) send();
    expect(door.closings).toEqual([]);
    nowMs += 301;
    send();
    await until(() => door.closings.length > 0);
    expect(door.closings).toEqual([expect.stringMatching(/^E_LIMIT: nothing read for/)]);
    expect(door.faults).toEqual([undefined]); // a slow link is no fault
    expect(taken).toBe(sent); // whoever lends memory to a message gets it back, whether it was sent or not
    // What does not wait for it is not kept: all but the latest, and the few that the system's buffers took.
    expect(dropped).toBeGreaterThan(sent / 2);
  });

  it('for a while, and then does, stays', async () => {
    const door = await openDoor({ maxFrameBytes: 2 * MEBIBYTE, unreadTimeoutMs: 5_000 });
    const node = await dialled(door);
    let newest = 0;
    node.on('message', (data: Buffer) => {
      const message = decodeCoordinatorMessage(data);
      if (message.type === 'parameters') newest = message.version;
    });
    node.pause();
    await until(() => door.channels.length === 1);
    for (let version = 1; version <= 20; version++) {
      door.channels[0]!.send(parameters({ version, parameters: new Uint8Array(MEBIBYTE) }));
    }
    node.resume();
    await until(() => newest === 20);
    expect(door.closings).toEqual([]);
  });
});

describe('frames', () => {
  it('of many pieces end the connection before the pieces fill the memory', async () => {
    const door = await openDoor({ maxFrameBytes: 10 * MEBIBYTE });
    const node = await handWritten(door);
    node.write(frame(2, Uint8Array.of(0xc1), { last: false }));
    for (let count = 0; count < 20_000; count++) node.write(frame(0, Uint8Array.of(0), { last: false }));
    await until(() => door.closings.length === 1);
    expect(door.closings[0]).toMatch(/too many message fragments/i);
  });

  it('in a few pieces are whole messages', async () => {
    const door = await openDoor();
    const node = await handWritten(door);
    const message = encodeMessage({ type: 'drain' });
    node.write(frame(2, message.subarray(0, 5), { last: false }));
    node.write(frame(9, Uint8Array.of(1))); // control frames may come in between
    node.write(frame(0, message.subarray(5)));
    await until(() => door.messages.length === 1);
    expect(door.messages).toEqual([{ type: 'drain' }]);
  });

  it('larger in all than the limit end the connection, however they are cut', async () => {
    const door = await openDoor({ maxFrameBytes: 1000 });
    const node = await handWritten(door);
    node.write(frame(2, new Uint8Array(100), { last: false }));
    for (let count = 0; count < 20; count++) node.write(frame(0, new Uint8Array(100), { last: false }));
    await until(() => door.closings.length === 1);
    expect(door.closings[0]).toMatch(/max payload/i);
  });

  it('that announce more than the limit end it at once, before anything of the size comes', async () => {
    const door = await openDoor({ maxFrameBytes: 1000 });
    const node = await handWritten(door);
    node.write(Buffer.from([0x82, 0xff, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    await until(() => door.closings.length === 1);
    expect(door.closings[0]).toMatch(/max payload|unsupported.*length/i);
  });

  it.each<[string, Buffer]>([
    ['that are compressed, which was not agreed', frame(2, Uint8Array.of(1, 2, 3), { reserved: 0x40 })],
    ['of an unknown kind', frame(3, Uint8Array.of(1))],
    ['without a mask', Buffer.from([0x82, 1, 0xc0])],
    ['that continue nothing', frame(0, Uint8Array.of(1))],
    ['of text that is no UTF-8', frame(1, Uint8Array.of(0xff, 0xfe))],
    ['with control in pieces', frame(9, Uint8Array.of(1), { last: false })],
  ])('%s end the connection', async (_what, bytes) => {
    const door = await openDoor();
    const node = await handWritten(door);
    node.write(bytes);
    await until(() => door.closings.length === 1);
    expect(door.messages).toEqual([]);
  });

  it('are never compressed, whatever the node offers', async () => {
    const door = await openDoor();
    const node = dial(door, { perMessageDeflate: { threshold: 0 } });
    expect(await outcomeOf(node)).toBe('open');
    expect(node.extensions).toBe('');
  });
});

describe('texts of a node', () => {
  it('reach the coordinator without what could steer a terminal', async () => {
    const door = await openDoor();
    const node = await dialled(door);
    const evil = '\u001b[2Jlocal\r\n\u202e';
    node.send(encodeMessage(hello({ nodeName: evil, engine: evil, device: evil, numericsClass: evil })));
    node.send(encodeMessage(failed({ reason: evil })));
    await until(() => door.messages.length === 2);
    const clean = '\ufffd[2Jlocal\ufffd\ufffd\ufffd';
    expect(door.messages[0]).toMatchObject({
      nodeName: clean,
      engine: clean,
      device: clean,
      numericsClass: clean,
    });
    expect(door.messages[1]).toMatchObject({ reason: clean });
    node.close(1000, evil);
    await until(() => door.closings.length === 1);
    expect(door.closings).toEqual([clean]);
  });

  it('are short when they come back in a complaint', async () => {
    const door = await openDoor();
    const node = await dialled(door);
    const { Packr } = await import('msgpackr');
    const field = `\u001b[31m${'x'.repeat(5000)}`;
    node.send(new Packr({ useRecords: false }).pack({ ...result(), [field]: 1 }));
    await until(() => door.closings.length === 1);
    expect(door.closings[0]!.length).toBeLessThanOrEqual(500);
    expect(door.closings[0]).not.toContain('\u001b');
  });
});

it('a node that is refused after it has gone keeps nothing waiting', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const closings: string[] = [];
  const channel = {
    peerName: 'gone',
    unsentCount: 0,
    open: () => undefined,
    send: () => undefined,
    close: (reason: string) => void closings.push(reason),
  };
  const socket = Object.assign(new EventEmitter(), { readyState: 3 }) as unknown as WebSocket; // CLOSED
  guardedChannel(socket, new Socket(), () => channel, { unreadTimeoutMs: 1000 }).close('refused');
  expect(closings).toEqual(['refused']);
  expect(vi.getTimerCount()).toBe(0);
});

/** A socket whose messages the test emits. */
function silentSocket(): WebSocket {
  const socket = Object.assign(new EventEmitter(), {
    readyState: WebSocket.OPEN,
    close: () => undefined,
    pause: () => undefined,
    terminate: () => undefined,
    ping: () => undefined,
  }) as unknown as WebSocket;
  onTestFinished(() => void socket.emit('close', 1000, Buffer.from('')));
  return socket;
}

/** The time, which stands still unless the test lets it pass. */
function stoppedTime(): { pass(ms: number): void } {
  let nowMs = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => void vi.restoreAllMocks());
  return { pass: (ms) => void (nowMs += ms) };
}

describe('news of the workers of a relay, while it is given no work', () => {
  interface Guarded {
    readonly messages: NodeMessage[];
    readonly closings: string[];
    readonly tell: () => void;
  }

  function guardedRelay(): Guarded {
    const [socket, transport] = [silentSocket(), new Socket()];
    const [messages, closings]: [NodeMessage[], string[]] = [[], []];
    guardedChannel(
      socket,
      transport,
      (mayDecode) => coordinatorChannel(socket, 'a relay', transport, { mayDecode }),
      { unreadTimeoutMs: 1000 },
    ).open({
      onMessage: (message) => messages.push(message),
      onClose: (reason) => closings.push(reason),
    });
    const tell = (): void => void socket.emit('message', encodeMessage(workers()));
    return { messages, closings, tell };
  }

  it('are never too many, as often as a relay tells them', async () => {
    const time = stoppedTime();
    const { messages, closings, tell } = guardedRelay();
    for (let second = 0; second < 1000; second++) {
      tell();
      tell(); // workers of another numerics class came at once
      time.pass(1000);
    }
    await settled();
    expect(closings).toEqual([]);
    expect(messages).toHaveLength(2000);
  });

  it('are too many at once, however long it was silent before', async () => {
    const time = stoppedTime();
    const { messages, closings, tell } = guardedRelay();
    time.pass(1e9);
    for (let count = 0; count < 1000; count++) tell();
    await settled();
    expect(closings).toEqual(['E_LIMIT: more messages than its work explains']);
    expect(messages).toHaveLength(64);
  });

  it('are too many if they go on coming faster than a relay tells them', async () => {
    const time = stoppedTime();
    const { messages, closings, tell } = guardedRelay();
    for (let count = 0; count < 1000; count++) {
      tell();
      time.pass(250);
    }
    await settled();
    expect(closings).toHaveLength(1);
    expect(messages.length).toBeLessThan(130);
  });
});

it('a message beyond the limit is not decoded, whatever listens on the socket first', async () => {
  stoppedTime();
  const [socket, transport] = [silentSocket(), new Socket()];
  const earlier = coordinatorChannel(socket, 'a node', transport); // listens before the guard does
  earlier.open({ onMessage: () => undefined, onClose: () => undefined });
  const messages: NodeMessage[] = [];
  const closings: string[] = [];
  const guarded = guardedChannel(
    socket,
    transport,
    (mayDecode) => coordinatorChannel(socket, 'a node', transport, { mayDecode }),
    { unreadTimeoutMs: 1000 },
  );
  guarded.open({
    onMessage: (message) => messages.push(message),
    onClose: (reason) => closings.push(reason),
  });
  for (let count = 0; count < 64; count++) socket.emit('message', encodeMessage(evaluated()));
  socket.emit('message', Buffer.from('no msgpack'));
  await until(() => closings.length > 0);
  expect(closings).toEqual(['E_LIMIT: more messages than its work explains']);
  expect(messages).toHaveLength(64);
});

it('the endpoint has no room for a path of a peer', async () => {
  const door = await openDoor();
  for (const path of ['/../etc/passwd', `${ENDPOINT_PATH}/../../x`, '/%2e%2e/', '//', '/lockstep%00']) {
    const socket = connect(door.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => undefined);
    socket.write(UPGRADE_REQUEST.replace(ENDPOINT_PATH, path));
    await until(() => answer !== '');
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    socket.destroy();
  }
});
