/**
 * The items that a relay holds of one round of its coordinator, as a round of the nodes beneath it. Answers that are good
 * are added where possible and sent on; what is wrong with a node is settled here, as a coordinator would.
 */

import { judgeEvaluated, ResultJudge, scoresOf, SecondOpinions } from '../coordinator/index.js';
import type { Answer, Fleet, GradientBuffers, Member, RoundRequest, Verdict } from '../coordinator/index.js';
import type { WireFormat } from '../foundation/wire/format.js';
import type { Layout } from '../model/index.js';
import type {
  Broadcast,
  Evaluate,
  Evaluated,
  NodeMessage,
  Parameters,
  Result,
  Sum,
  Work,
} from '../protocol/index.js';
import type { RandomKey } from '../foundation/random.js';
import { placeOf } from '../worker/index.js';
import type { SiblingSums } from '../worker/index.js';

type Item = Work | Evaluate;

export interface RelayRoundOptions {
  /** Unlike the coordinator's number, unique among all rounds of this relay: a coordinator that was restarted counts anew. */
  readonly id: number;
  readonly kind: Item['type'];
  /** The coordinator's number. */
  readonly number: number;
  readonly state: Broadcast<Parameters>;
  readonly layout: Layout;
  readonly classCount: number;
  readonly wire: WireFormat;
  readonly fleet: Fleet;
  readonly sums: SiblingSums;
  /** For gradients that wait for their siblings. */
  readonly buffers: GradientBuffers;
  readonly send: (answer: NodeMessage) => void;
}

export class RelayRound implements RoundRequest {
  readonly itemCount = 'open';
  readonly kind: Item['type'];
  readonly round: number;
  readonly state: Broadcast<Parameters>;
  /** What is asked for and not answered, by index. */
  private readonly items = new Map<number, Item>();
  private readonly sampleCounts = new Map<number, number>();
  private readonly apart = new Set<number>();
  /** Of all items of an evaluation. */
  private wantsLogits = false;
  private readonly judge: ResultJudge;
  private readonly opinions: SecondOpinions;
  private readonly controller = new AbortController();
  /** Where the nodes get the items from, once the round has begun. */
  private schedule: Fleet['openRound'];

  constructor(private readonly options: RelayRoundOptions) {
    const { id, kind, state, layout, wire, fleet, buffers } = options;
    this.round = id;
    this.kind = kind;
    this.state = state;
    this.opinions = new SecondOpinions((than) => fleet.hasOther(than));
    const room = (): Float32Array => buffers.incomingOf(layout.parameterCount);
    const sampleCountOf = (index: number): number => this.sampleCountOf(index);
    this.judge = new ResultJudge({ layout, wire, room, sampleCountOf }, this.opinions);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** How many items wait for an answer. */
  get openCount(): number {
    return this.items.size;
  }

  /** Whether it is this round of the coordinator. */
  is(kind: Item['type'], number: number): boolean {
    return kind === this.kind && number === this.options.number;
  }

  /** Nothing of it is wanted any more. */
  end(): void {
    this.items.clear();
    this.schedule = undefined;
    this.controller.abort(new Error('the round is over'));
  }

  /** @param schedule the fleet's open round, which is this one */
  begin(schedule: Fleet['openRound']): void {
    this.schedule = schedule;
    for (const index of this.items.keys()) schedule?.add(index);
    for (const index of this.apart) schedule?.keepApart(index);
  }

  add(item: Item): void {
    const { index } = placeOf(item);
    this.items.set(index, item);
    this.sampleCounts.set(index, item.labels.length);
    if (item.type === 'work') this.options.sums.begin(item.step, index);
    else this.wantsLogits = item.wantsLogits === true;
    this.schedule?.add(index);
  }

  withdraw(index: number): void {
    if (this.schedule ? !this.schedule.withdraw(index) : !this.items.has(index)) return;
    this.items.delete(index);
    if (this.kind === 'work') this.options.sums.fail(this.options.number, index);
  }

  keepApart(index: number): void {
    this.apart.add(index);
    this.options.sums.keepApart(this.options.number, index);
    this.schedule?.keepApart(index);
  }

  sampleCountOf(index: number): number {
    return this.sampleCounts.get(index) ?? 0;
  }

  message(index: number): Item {
    const item = this.items.get(index)!;
    return item.type === 'work' ? { ...item, step: this.round } : { ...item, evaluation: this.round };
  }

  accept(answer: Answer, first: number, from: Member): Verdict {
    if ((answer.type === 'evaluated') !== (this.kind === 'evaluate')) {
      return { kind: 'refused', reason: `${answer.type} in another round` };
    }
    return answer.type === 'evaluated'
      ? this.acceptEvaluated(answer, first, from)
      : this.acceptGradient(answer, first, from);
  }

  private acceptEvaluated(answer: Evaluated, chunk: number, from: Member): Verdict {
    const logitsPerSample = this.wantsLogits ? this.options.classCount : 0;
    const expected = { chunk, sampleCount: this.sampleCountOf(chunk), logitsPerSample };
    const verdict = judgeEvaluated(answer, expected, { opinions: this.opinions, from });
    if (verdict.kind !== 'accepted' && verdict.kind !== 'not-finite') return verdict;
    this.items.delete(chunk);
    this.options.send({ ...answer, evaluation: this.options.number });
    // One that is not finite is passed on: the coordinator asks someone else for an opinion of its own.
    return verdict.kind === 'accepted' ? verdict : { kind: 'accepted' };
  }

  private roundingKeyOf(index: number): RandomKey | null {
    const item = this.items.get(index);
    return item?.type === 'work' ? item.roundingKey : null;
  }

  private acceptGradient(answer: Result | Sum, first: number, from: Member): Verdict {
    const leaves = scoresOf(answer);
    const indices = leaves.map((_, place) => first + place);
    // The coordinator takes each answer once, and nothing can be taken out of a sum.
    if (indices.some((index) => !this.items.has(index))) return { kind: 'repeat-apart' };
    const judged = this.judge.judge(answer, first, from);
    if (judged.kind === 'unusable') return judged.verdict;
    const { sums, buffers, send, number, wire } = this.options;
    const rounding = { format: wire, key: this.roundingKeyOf(first) };
    for (const index of indices) this.items.delete(index);
    if (judged.kind === 'not-finite') {
      // The coordinator asks someone else for an opinion of its own.
      for (const index of indices) sums.fail(number, index);
      send({ ...answer, step: number });
      return { kind: 'accepted' };
    }
    const leaf = buffers.copyOf(judged.leaf); // the answer is only lent
    const { gradientSum, statisticSum } = leaf;
    sums.finish({
      ...{ step: number, first, leaves, rounding, gradientSum, statisticSum },
      release: () => buffers.giveBack(leaf),
    });
    return { kind: 'accepted', contradicts: judged.contradicts };
  }
}
