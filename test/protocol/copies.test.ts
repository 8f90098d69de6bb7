/** How often the bytes of a frame are copied: see docs/scale.md. Two views share memory if they share an ArrayBuffer. */

import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { floatsFromLittleEndian, littleEndianBytes } from '../../src/foundation/littleEndian.js';
import {
  Broadcast,
  decodeCoordinatorMessage,
  decodeNodeMessage,
  encodeMessage,
  FrameMemory,
} from '../../src/protocol/index.js';
import { channelPair } from '../support/channelPair.js';
import { parameters, result, work } from '../support/messages.js';
import { until } from '../support/waiting.js';

const FLOATS = Float32Array.from({ length: 272_474 }, (_, index) => Math.fround(index / 7));
const STATISTICS = Float32Array.from({ length: 1376 }, (_, index) => Math.fround(index / 3));
const gradient = { gradientSum: littleEndianBytes(FLOATS), statisticSum: littleEndianBytes(STATISTICS) };
const state = { parameters: littleEndianBytes(FLOATS), statistics: littleEndianBytes(STATISTICS) };

/** What is handed to the kernel for this socket. */
function watchWrites(transport: Socket): Uint8Array[] {
  const written: Uint8Array[] = [];
  const write = transport.write.bind(transport) as (...rest: unknown[]) => boolean;
  transport.write = (chunk: Uint8Array, ...rest: unknown[]) => {
    written.push(chunk);
    return write(chunk, ...rest);
  };
  return written;
}

describe('sending', () => {
  it('hands the one encoding of a state to the kernel for every node', async () => {
    const pairs = [await channelPair(), await channelPair(), await channelPair()];
    const written = pairs.map(({ coordinator }) => watchWrites(coordinator.transport));
    const broadcast = new Broadcast(parameters(state));
    for (const { coordinator } of pairs) coordinator.channel.send(broadcast);
    await until(() => pairs.every(({ node }) => node.messages.length === 1));
    for (const chunks of written) {
      const large = chunks.filter(({ byteLength }) => byteLength > 1000);
      expect(large).toHaveLength(1);
      expect(large[0]!.buffer).toBe(broadcast.encoded().buffer);
    }
  });

  it('hands a node’s frame to the kernel as it was encoded: the mask makes no copy', async () => {
    const { coordinator, node } = await channelPair();
    const written = watchWrites(node.transport);
    const frame = new Broadcast(result(gradient));
    node.channel.send(frame);
    await until(() => coordinator.messages.length === 1);
    expect(written.filter(({ byteLength }) => byteLength > 1000).map(({ buffer }) => buffer)).toEqual([
      frame.encoded().buffer,
    ]);
  });

  it('encodes into a buffer of the frame’s own size: what waits to be sent holds nothing else', () => {
    for (const message of [parameters(state), result(gradient), work({ pixels: new Uint8Array(98_304) })]) {
      const frame = encodeMessage(message);
      expect(frame.buffer.byteLength).toBe(frame.byteLength);
    }
  });
});

describe('receiving', () => {
  it('looks at vectors where the frame was put together: one copy between the kernel and the sum', async () => {
    const { coordinator, node } = await channelPair();
    const frames = new Set<ArrayBufferLike>();
    coordinator.socket.on('message', (data) => frames.add((data as Buffer).buffer));
    node.channel.send(result(gradient));
    await until(() => coordinator.messages.length === 1);
    const [message] = coordinator.messages;
    if (message?.type !== 'result') throw new Error('a result was sent');
    const gradientSum = floatsFromLittleEndian(message.gradientSum);
    const statisticSum = floatsFromLittleEndian(message.statisticSum);
    expect([...frames]).toEqual([gradientSum.buffer]);
    expect(statisticSum.buffer).toBe(gradientSum.buffer);
    expect(Buffer.compare(littleEndianBytes(gradientSum), gradient.gradientSum)).toBe(0);
    expect(Buffer.compare(littleEndianBytes(statisticSum), gradient.statisticSum)).toBe(0);
  });

  it('puts a gradient together in memory that it uses again, and looks at it there', async () => {
    const frameMemory = new FrameMemory(2 ** 21);
    const { coordinator, node } = await channelPair({ frameMemory });
    const passed: unknown[] = [];
    coordinator.socket.on('message', (data) => passed.push(data));
    for (let count = 1; count <= 3; count++) {
      node.channel.send(result({ ...gradient, step: count }));
      await until(() => coordinator.messages.length === count);
    }
    expect(passed).toEqual([]);
    const memory = frameMemory.borrow();
    const views = coordinator.messages.map((message) => {
      if (message.type !== 'result') throw new Error('a result was sent');
      return floatsFromLittleEndian(message.gradientSum);
    });
    expect(views.map(({ buffer }) => buffer)).toEqual([memory.buffer, memory.buffer, memory.buffer]);
    expect(Buffer.compare(littleEndianBytes(views[2]!), gradient.gradientSum)).toBe(0);
  });

  it('finds vectors at multiples of four bytes, whatever the numbers before them', () => {
    const few = {
      gradientSum: gradient.gradientSum.subarray(0, 40),
      statisticSum: gradient.statisticSum.subarray(0, 8),
    };
    const fewOfState = { parameters: few.gradientSum, statistics: few.statisticSum };
    const numbers = [0, 200, 50_000, 3e9, 2 ** 40]; // one, two, three, five and nine bytes
    for (const step of numbers) {
      for (const microBatch of numbers) {
        for (const lossSum of [1, 0.5, 0.1]) {
          const message = decodeNodeMessage(encodeMessage(result({ ...few, step, microBatch, lossSum })));
          expect(message).toMatchObject({ step, microBatch, lossSum, sampleCount: 2 });
          if (message.type !== 'result') throw new Error('a result was sent');
          expect(message.gradientSum.byteOffset % 4).toBe(0);
          expect(message.statisticSum.byteOffset % 4).toBe(0);
          expect(floatsFromLittleEndian(message.gradientSum)).toEqual(FLOATS.subarray(0, 10));
        }
      }
      const message = decodeCoordinatorMessage(encodeMessage(parameters({ ...fewOfState, version: step })));
      if (message.type !== 'parameters') throw new Error('a state was sent');
      expect(message.parameters.byteOffset % 4).toBe(0);
      expect(message.statistics.byteOffset % 4).toBe(0);
    }
  });
});
