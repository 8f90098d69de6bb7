/**
 * A node without an engine: a real socket and protocol, and the same gradient for every item, at once or after the time that
 * computing would take.
 */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { networkFromText } from '../../src/model/index.js';
import { littleEndianBytes } from '../../src/foundation/littleEndian.js';
import { packInPlace, roundToWire } from '../../src/foundation/wire/kernels.js';
import {
  ENDPOINT_PATH,
  LOCKSTEP_VERSION,
  NODE_SOCKET_OPTIONS,
  nodeChannel,
  PROTOCOL_VERSION,
} from '../../src/protocol/index.js';
import type {
  CoordinatorMessage,
  NodeChannel,
  NodeMessage,
  Welcome,
  Work,
} from '../../src/protocol/index.js';
import type { NodeSettings, Traffic } from './wire.js';

const LARGEST_FRAME_BYTES = 2 ** 26;

export class SimulatedNode {
  private channel: NodeChannel | undefined;
  private transport: Socket | undefined;
  private answer: { readonly gradientSum: Uint8Array; readonly statisticSum: Uint8Array } | undefined;
  private readonly queue: Work[] = [];
  private isComputing = false;
  private framesIn = 0;
  private framesOut = 0;

  /** Called when the connection ends, unless the coordinator has said goodbye. */
  onLost: (reason: string) => void = () => undefined;

  constructor(
    private readonly name: string,
    private readonly settings: NodeSettings,
  ) {}

  /** @returns milliseconds from the first packet to the welcome */
  attach(url: string): Promise<number> {
    const beganAtMs = performance.now();
    const socket = new WebSocket(`${url}${ENDPOINT_PATH}`, {
      ...NODE_SOCKET_OPTIONS,
      maxPayload: LARGEST_FRAME_BYTES,
      ...(this.settings.token === undefined
        ? {}
        : { headers: { authorization: `Bearer ${this.settings.token}` } }),
    });
    socket.once('upgrade', (response) => (this.transport = response.socket));
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => {
        this.channel = nodeChannel(socket, 'the coordinator', this.transport!);
        let saidGoodbye = false;
        this.channel.open({
          onMessage: (message) => {
            this.framesIn++;
            saidGoodbye ||= message.type === 'bye';
            if (message.type === 'welcome') resolve(performance.now() - beganAtMs);
            this.receive(message);
          },
          onClose: (reason) => {
            if (!saidGoodbye) this.onLost(reason);
          },
        });
        this.send(helloOf(this.name));
      });
    });
  }

  traffic(): Traffic {
    return {
      bytesToCoordinator: this.transport?.bytesWritten ?? 0,
      bytesFromCoordinator: this.transport?.bytesRead ?? 0,
      framesToCoordinator: this.framesOut,
      framesFromCoordinator: this.framesIn,
    };
  }

  private receive(message: CoordinatorMessage): void {
    if (message.type === 'welcome') this.answer = answerFor(message);
    if (message.type === 'parameters') this.queue.length = 0; // they end every earlier round
    if (message.type === 'cancel') this.drop(message.round, message.index);
    if (message.type !== 'work') return;
    this.queue.push(message);
    this.compute();
  }

  private drop(step: number, microBatch: number): void {
    const position = this.queue.findIndex((item) => item.step === step && item.microBatch === microBatch);
    if (position >= 0) this.queue.splice(position, 1);
  }

  /** One item at a time. */
  private compute(): void {
    if (this.isComputing) return;
    const item = this.queue.shift();
    if (!item) return;
    if (this.settings.computeMs === 0) {
      this.answerTo(item);
      return this.compute();
    }
    this.isComputing = true;
    setTimeout(() => {
      this.isComputing = false;
      this.compute();
      this.answerTo(item);
    }, this.settings.computeMs);
  }

  private answerTo({ step, microBatch, labels }: Work): void {
    const sampleCount = labels.length;
    const lossSum = sampleCount * 2.3;
    this.send({ type: 'result', step, microBatch, sampleCount, lossSum, correct: 0, ...this.answer! });
  }

  private send(message: NodeMessage): void {
    this.framesOut++;
    this.channel!.send(message);
  }
}

function helloOf(nodeName: string): NodeMessage {
  return {
    type: 'hello',
    protocolVersion: PROTOCOL_VERSION,
    lockstepVersion: LOCKSTEP_VERSION,
    nodeName,
    nodeSecret: randomBytes(16).toString('hex'),
    engine: 'none',
    device: 'simulated',
    numericsClass: 'simulated',
    exact: false,
    threads: 1,
  };
}

const answers = new Map<string, { gradientSum: Uint8Array; statisticSum: Uint8Array }>();

/** One for all nodes of the process. Typical values: zeros or subnormals may be added faster or slower. */
function answerFor({ network, wire }: Welcome): {
  gradientSum: Uint8Array;
  statisticSum: Uint8Array;
} {
  const known = answers.get(network);
  if (known) return known;
  const { parameterCount, statisticCount } = networkFromText(network, 'of the coordinator').layout;
  const gradient = Float32Array.from({ length: parameterCount }, (_, index) => ((index % 97) - 48) / 48_000);
  roundToWire(wire, gradient, [0, 0]);
  const statistics = new Float32Array(statisticCount).fill(4);
  const made = { gradientSum: packInPlace(wire, gradient), statisticSum: littleEndianBytes(statistics) };
  answers.set(network, made);
  return made;
}
