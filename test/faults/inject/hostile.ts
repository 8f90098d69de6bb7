/** A node that lies, beside one that does not. */

import type { NodeMessage, Result } from '../../../src/protocol/index.js';
import { RandomStream, seedKey } from '../../../src/foundation/random.js';
import type { Fault, Misdeed } from '../faults.js';
import type { Memory, Outgoing, Tamper } from '../hostileNode.js';
import type { Scene } from '../scene.js';
import { within } from '../support/within.js';
import { MICRO_BATCHES, STEPS } from '../training.js';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

/** What ends a node's welcome at once, or its connection: the run must say whose. */
const MARKS: Partial<Record<Misdeed, 'worker-refused' | 'worker-left'>> = {
  'wrong-length': 'worker-refused',
  'wrong-count': 'worker-refused',
  undecodable: 'worker-left',
};

export async function admitHostileNode(scene: Scene, { misdeed, times }: Of<'hostile-node'>): Promise<void> {
  await scene.begin();
  const plan = new MisdeedPlan(misdeed, times, scene.drawStep(1, 6), scene.random.nextUint32());
  scene.addTestNode({ name: 'hostile', tamper: plan.tamper });
  const { exitCode } = await within('the run to end', scene.coordinator.finished);
  if (exitCode !== 0) return; // the runner reports it with what was printed
  if (plan.done === 0) throw new Error(`the node never got to ${misdeed}`);
  const mark = MARKS[misdeed];
  const isMarked = scene.coordinator.seen.some(
    ({ event }) => event.event === mark && 'node' in event && event.node === 'hostile',
  );
  if (mark !== undefined && !isMarked) throw new Error(`no ${mark} of the node was told after ${misdeed}`);
}

/** Honest until its first step, then `times` misdeeds, one for each answer, then honest again. */
export class MisdeedPlan {
  done = 0;
  /** Its own: how often it is asked is a matter of timing, and must not upset what else the seed decides. */
  private readonly random: RandomStream;

  constructor(
    private readonly misdeed: Misdeed,
    private readonly times: number,
    private readonly firstStep: number,
    seed: number,
  ) {
    this.random = new RandomStream(seedKey(seed));
  }

  readonly tamper: Tamper = (message, memory) => {
    if (message.type !== 'result' || message.step < this.firstStep || this.done >= this.times)
      return [message];
    const sent = commit(this.misdeed, message, memory, this.random);
    if (sent) this.done++;
    return sent ?? [message];
  };
}

/** @returns what is said instead of the honest answer; undefined if this is not the moment for it */
function commit(
  misdeed: Misdeed,
  honest: Result,
  memory: Memory,
  random: RandomStream,
): readonly Outgoing[] | undefined {
  const made = (change: Partial<Result>): Result => ({
    ...honest,
    gradientSum: invented(honest, random),
    ...change,
  });
  switch (misdeed) {
    case 'duplicate':
      return [honest, made({}), made({})];
    case 'stale':
      return honest.step === 0 ? undefined : [made({ step: honest.step - 1 }), honest];
    case 'future':
      // Of the last step: one that is current when it comes would be a lie about an item of its own. And should the run
      // have come so far meanwhile, of an item that this step, the smallest, does not have.
      return [made({ step: STEPS - 1, microBatch: MICRO_BATCHES - 1 }), honest];
    case 'foreign': {
      if (!isBusy(honest, memory)) return undefined;
      return [...foreignItems(honest.step, memory).map((microBatch) => made({ microBatch })), honest];
    }
    case 'nan':
      return [withFirst(honest, NaN)];
    case 'infinite':
      return [withFirst(honest, Infinity)];
    case 'wrong-length':
      return [{ ...honest, gradientSum: honest.gradientSum.subarray(4) }];
    case 'wrong-step':
      return [made({ step: honest.step + 1_000_000 })];
    case 'wrong-count':
      return [{ ...honest, sampleCount: honest.sampleCount + 1 }];
    case 'undecodable':
      return [{ raw: Uint8Array.from({ length: 1 + random.nextBelow(400) }, () => random.nextBelow(256)) }];
    case 'silent':
      return [];
  }
}

/**
 * It answers its first item of the step and has another: until that answer arrives nobody gives it a third, which
 * would then be its own to answer, rightly or wrongly.
 */
function isBusy({ step }: Result, { given, answered }: Memory): boolean {
  return (
    given.filter((work) => work.step === step).length >= 2 && !answered.some((work) => work.step === step)
  );
}

/** Items of this step that it was never given, and one that there is not. */
function foreignItems(step: number, { given }: Memory): number[] {
  const own = new Set(given.filter((work) => work.step === step).map(({ microBatch }) => microBatch));
  return Array.from({ length: MICRO_BATCHES + 1 }, (_, index) => index).filter((index) => !own.has(index));
}

function withFirst(honest: Result, value: number): NodeMessage {
  const gradientSum = Uint8Array.from(honest.gradientSum);
  new DataView(gradientSum.buffer).setFloat32(0, value, true);
  return { ...honest, gradientSum };
}

/** Finite, of the right length, and wrong. */
function invented({ gradientSum }: Result, random: RandomStream): Uint8Array {
  const values = Float32Array.from({ length: gradientSum.byteLength / 4 }, () => random.nextUniform() - 0.5);
  return new Uint8Array(values.buffer);
}
