/**
 * Hostile visits to a coordinator over real sockets: visit `index` of a seed always does the same. A visit ends when
 * the coordinator has hung up, or after a short while by itself; lingering ones stay until the coordinator ends them.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { RandomStream } from '../../src/foundation/random.js';
import { encodeMessage, ENDPOINT_PATH } from '../../src/protocol/index.js';
import { evaluated } from '../support/messages.js';
import { between, helloFrame, hostileFrame, oneOf, randomBytes } from './frames.js';

export interface Target {
  readonly host: string;
  /** The loopback address that the visit comes from. */
  readonly from?: string;
  readonly port: number;
  readonly token: string;
}

export interface Visit {
  readonly kind: string;
  /** Messages, or pieces of raw bytes, that were sent. */
  readonly frames: number;
  /** Whether the coordinator ended the connection, or the visitor lost patience. */
  readonly endedByCoordinator: boolean;
}

/** How long a visitor who has said everything waits to be thrown out. */
const PATIENCE_MS = 2_000;

type Visitor = (target: Target, random: RandomStream, index: number, seed: number) => Promise<Visit>;

interface Manners {
  /** Also ends by itself, after so long. */
  readonly patienceMs?: number;
}

/** Sends raw bytes, and waits for the end. */
function rawVisit(
  kind: string,
  target: Target,
  pieces: readonly Uint8Array[],
  manners: Manners = {},
): Promise<Visit> {
  return new Promise((resolve) => {
    const socket = connect({ port: target.port, host: target.host, ...comingFrom(target) });
    socket.on('connect', () => pieces.forEach((piece) => socket.write(piece)));
    socket.resume();
    endOf(socket, manners.patienceMs ?? PATIENCE_MS, (endedByCoordinator) =>
      resolve({ kind, frames: pieces.length, endedByCoordinator }),
    );
  });
}

const comingFrom = ({ from }: Target): { localAddress?: string } =>
  from === undefined ? {} : { localAddress: from };

function endOf(socket: Socket, patienceMs: number, then: (endedByCoordinator: boolean) => void): void {
  let gaveUp = false;
  const timer = setTimeout(() => {
    gaveUp = true;
    socket.destroy();
  }, patienceMs);
  socket.on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(timer);
    then(!gaveUp);
  });
}

/** Becomes a node by the token, sends messages, and waits for the end. */
function nodeVisit(
  kind: string,
  target: Target,
  frames: readonly Uint8Array[],
  { patienceMs = PATIENCE_MS, before }: Manners & { before?: (socket: WebSocket) => void } = {},
): Promise<Visit> {
  const { host, port, token } = target;
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${host}:${port}${ENDPOINT_PATH}`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      ...comingFrom(target),
    });
    let gaveUp = false;
    const timer = setTimeout(() => {
      gaveUp = true;
      socket.terminate();
    }, patienceMs);
    socket.on('open', () => {
      before?.(socket);
      for (const frame of frames) socket.send(frame);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ kind, frames: frames.length, endedByCoordinator: !gaveUp });
    });
  });
}

const text = (content: string): Uint8Array => Buffer.from(content, 'latin1');

const REQUEST = [
  `GET ${ENDPOINT_PATH} HTTP/1.1`,
  'Host: coordinator',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];

const ODD_REQUESTS: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  `POST ${ENDPOINT_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n`,
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nfffffff\r\n',
  'CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET http://192.0.2.1/lockstep HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(3000)}\r\n`,
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50),
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
];

/** Each kind of visit, and how many times in a hundred it comes. */
export const VISITS: Readonly<Record<string, { readonly share: number; readonly visit: Visitor }>> = {
  'random bytes on TCP': {
    share: 12,
    visit: (target, random) =>
      rawVisit('random bytes on TCP', target, [
        ...Array.from({ length: between(random, 1, 5) }, () => randomBytes(random, between(random, 1, 600))),
        text('\r\n\r\n'), // so that the parser has a whole request to judge
      ]),
  },
  'malformed HTTP': {
    share: 12,
    visit: (target, random) => {
      if (random.nextBelow(2) === 0)
        return rawVisit('malformed HTTP', target, [text(oneOf(random, ODD_REQUESTS))]);
      const request = text([...REQUEST, `Authorization: Bearer ${target.token}`, '\r\n'].join('\r\n'));
      for (let count = between(random, 1, 4); count > 0; count--)
        request[random.nextBelow(request.length)] = random.nextUint32() & 0xff;
      return rawVisit('malformed HTTP', target, [request, randomBytes(random, 50)]);
    },
  },
  'no token, or a wrong one': {
    share: 8,
    visit: (target, random) => {
      const shown = oneOf(random, ['', `Authorization: Bearer ${target.token}x`, 'Authorization: Basic x']);
      const request = [...REQUEST, ...(shown ? [shown] : []), '\r\n'].join('\r\n');
      return rawVisit('no token, or a wrong one', target, [text(request), randomBytes(random, 200)]);
    },
  },
  'frames before hello': {
    share: 22,
    visit: (target, random, index, seed) =>
      nodeVisit('frames before hello', target, hostileFrames(random, index, seed)),
  },
  'frames after hello': {
    share: 32,
    visit: (target, random, index, seed) =>
      nodeVisit('frames after hello', target, [
        helloFrame(`hostile-${index}`),
        ...hostileFrames(random, index, seed),
      ]),
  },
  'broken WebSocket frames': {
    share: 8,
    visit: (target, random) =>
      nodeVisit('broken WebSocket frames', target, [], {
        before: (socket) => {
          // Beneath the library: it would not send what the standard forbids.
          const { _socket } = socket as unknown as { _socket: Socket };
          const bytes = randomBytes(random, between(random, 2, 200));
          if (random.nextBelow(2) === 0)
            bytes.set([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff].slice(0, bytes.length));
          _socket.write(bytes);
        },
      }).then((visit) => ({ ...visit, frames: 1 })),
  },
  'a flood of messages': {
    share: 1,
    visit: (target, _random, index) =>
      nodeVisit('a flood of messages', target, [
        helloFrame(`flood-${index}`),
        ...Array.from({ length: 300 }, (_, chunk) =>
          encodeMessage(evaluated({ evaluation: 2 ** 40, chunk })),
        ),
      ]),
  },
  'a flood of pings': {
    share: 1,
    visit: (target, _random, index) =>
      nodeVisit('a flood of pings', target, [helloFrame(`ping-${index}`)], {
        before: (socket) => {
          for (let count = 0; count < 500; count++) socket.ping();
        },
      }),
  },
  'hangs up in the middle': {
    share: 3,
    visit: (target, random, index) =>
      nodeVisit('hangs up in the middle', target, [helloFrame(`gone-${index}`)], {
        before: (socket) => void setTimeout(() => socket.terminate(), between(random, 0, 20)),
      }),
  },
  'upgraded, then silent': {
    share: 0.5,
    visit: (target) => nodeVisit('upgraded, then silent', target, [], { patienceMs: LINGER_MS }),
  },
  'slow loris': {
    share: 0.45,
    visit: (target, random) => {
      const part = REQUEST.join('\r\n').slice(0, between(random, 0, 150));
      return rawVisit('slow loris', target, part ? [text(part)] : [], { patienceMs: LINGER_MS });
    },
  },
  'attached, and never reads': {
    share: 0.05,
    visit: (target, _random, index) =>
      nodeVisit('attached, and never reads', target, [helloFrame(`deaf-${index}`)], {
        patienceMs: LINGER_MS,
        before: (socket) => socket.pause(),
      }),
  },
};

/** Longer than any time limit of the coordinator, and than the heartbeat timeout that it is given. */
const LINGER_MS = 40_000;

/** These are not waited for before the next visit begins. */
export const LINGERING: ReadonlySet<string> = new Set([
  'upgraded, then silent',
  'slow loris',
  'attached, and never reads',
]);

function hostileFrames(random: RandomStream, index: number, seed: number): Uint8Array[] {
  return Array.from({ length: between(random, 1, 3) }, (_, at) => hostileFrame(seed, 8 * index + at).bytes);
}

/** Which kind visit `index` of the seed is. */
export function kindOfVisit(seed: number, index: number): string {
  const shares = Object.entries(VISITS);
  let point =
    new RandomStream([seed >>> 0, index]).nextUniform() *
    shares.reduce((sum, [, { share }]) => sum + share, 0);
  for (const [kind, { share }] of shares) if ((point -= share) < 0) return kind;
  return shares[0]![0];
}

export function hostileVisit(target: Target, seed: number, index: number): Promise<Visit> {
  const random = new RandomStream([(seed + 1) >>> 0, index]);
  // Hosts whose nodes misbehave are put off: on Linux, where all of 127.0.0.0/8 is this machine, each visitor has its own.
  const from = process.platform === 'linux' ? `127.1.${(index >> 8) & 0xff}.${index & 0xff || 1}` : undefined;
  const visitor = from === undefined ? target : { ...target, from };
  return VISITS[kindOfVisit(seed, index)]!.visit(visitor, random, index, seed);
}
