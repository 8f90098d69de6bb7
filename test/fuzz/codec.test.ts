/** The codec under 200,000 hostile frames: each is either a message or E_PROTOCOL, and costs little. */

import { expect, it } from 'vitest';
import { LockstepError } from '../../src/foundation/errors.js';
import { decodeCoordinatorMessage, decodeNodeMessage } from '../../src/protocol/index.js';
import { printFigures } from './figures.js';
import { FRAME_KIND_NAMES, hostileFrame } from './frames.js';
import { FRAMES, REPEAT, SEED } from './settings.js';

interface Tally {
  frames: number;
  messages: number;
  refused: number;
  slowestMs: number;
}

/** Kinds of frame that are no message of either side, whatever the seed. */
const NEVER_MESSAGES = [
  'random bytes',
  'cut short',
  'with more behind',
  'deep nesting',
  'a huge declared length',
  'very many values',
  'an extension type',
  'a name of the language',
];
const DECODERS = [decodeNodeMessage, decodeCoordinatorMessage];
const MEBIBYTE = 1024 * 1024;

it(`the codec makes nothing but messages and E_PROTOCOL of ${FRAMES} hostile frames`, () => {
  const tallies = new Map(
    FRAME_KIND_NAMES.map((kind): [string, Tally] => [
      kind,
      { frames: 0, messages: 0, refused: 0, slowestMs: 0 },
    ]),
  );
  const heapBefore = process.memoryUsage().heapUsed;
  const startedMs = performance.now();
  for (let index = 0; index < FRAMES; index++) {
    const { kind, bytes } = hostileFrame(SEED, index);
    const tally = tallies.get(kind)!;
    tally.frames++;
    for (const decode of DECODERS) {
      const beganMs = performance.now();
      try {
        decode(bytes);
        tally.messages++;
      } catch (error) {
        if (!(error instanceof LockstepError) || error.code !== 'E_PROTOCOL') {
          throw new Error(`frame ${index} of seed ${SEED} (${kind}): ${String(error)}`, { cause: error });
        }
        tally.refused++;
      }
      tally.slowestMs = Math.max(tally.slowestMs, performance.now() - beganMs);
    }
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const grownMiB = (process.memoryUsage().heapUsed - heapBefore) / MEBIBYTE;
  const all = [...tallies];
  const figures = { seed: SEED, frames: FRAMES, seconds, grownMiB, kinds: Object.fromEntries(all) };
  printFigures(
    `codec: ${FRAMES} frames, each as a node's and as the coordinator's, in ${seconds.toFixed(0)} s; repeat with: ${REPEAT}`,
    [
      ['kind', 'frames', 'messages', 'refused', 'slowest ms'],
      ...all.map(([kind, { frames, messages, refused, slowestMs }]) => [
        kind,
        frames,
        messages,
        refused,
        slowestMs.toFixed(1),
      ]),
    ],
    figures,
  );
  for (const kind of NEVER_MESSAGES) expect(tallies.get(kind)!.messages, kind).toBe(0);
  // Whole, and meant for one of the two.
  const { messages, frames } = tallies.get('the other side’s message')!;
  expect(messages).toBe(frames);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(tallies.get('bytes changed')!.messages).toBeGreaterThan(0); // the fuzz reaches beyond the first check
});
