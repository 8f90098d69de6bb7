/** The round in progress: what was asked for, who computes it, and what each answer changes. */

import type { ItemKey, RoundKey } from '../schedule/itemKey.js';
import { itemKey, roundKey } from '../schedule/itemKey.js';
import { Round } from '../schedule/round.js';
import type { RoundOptions } from '../schedule/roundOptions.js';
import type { Member } from './member.js';
import type { Answer, RoundRequest, Verdict } from './roundRequest.js';

export type RoundTiming = Pick<RoundOptions<Member>, 'clock' | 'areAnswersRead'>;

export class ActiveRound {
  readonly key: RoundKey;
  readonly schedule: Round<Member>;

  constructor(
    readonly request: RoundRequest,
    members: () => Iterable<Member>,
    timing: RoundTiming,
  ) {
    this.key = roundKey(request.kind, request.round);
    this.schedule = new Round<Member>({
      key: this.key,
      itemCount: request.itemCount,
      sampleCountOf: (index) => request.sampleCountOf(index),
      assignees: members,
      paceOf: (member) => member.paces[request.kind],
      ...timing,
    });
  }

  keyOf(index: number): ItemKey {
    return itemKey(this.key, index);
  }

  /** The items given to the member from now on come from this round. */
  enter(member: Member): void {
    member.enter(this.request, this.key);
  }

  /**
   * @param indices all items of the answer
   * @param asked those of them that the node was asked for
   */
  judge(answer: Answer, indices: readonly number[], asked: readonly number[], from: Member): Verdict {
    if (!asked.some((index) => this.schedule.wants(index))) return { kind: 'accepted' }; // another node was faster
    if (asked.length < indices.length) return { kind: 'repeat-apart' }; // an item cannot be taken out of a sum
    return this.request.accept(answer, indices[0]!, from);
  }

  private complete(from: Member, indices: readonly number[]): void {
    const { schedule, request } = this;
    for (const index of indices.filter((each) => schedule.wants(each))) {
      from.tally.answered++;
      if (request.kind === 'work') from.tally.trainedSamples += request.sampleCountOf(index);
    }
    schedule.complete(from, ...indices);
  }

  /** Marks items as answered, or hands them out again. */
  settle(kind: Exclude<Verdict['kind'], 'refused'>, asked: readonly number[], from: Member): void {
    const { schedule } = this;
    if (kind === 'accepted') return this.complete(from, asked);
    for (const index of asked) {
      if (kind === 'repeat' || kind === 'diverged') schedule.returnItem(from, index);
      else if (schedule.wants(index)) schedule.askAgain(from, index);
      else this.complete(from, [index]);
    }
  }
}
