/** The fleet as people see it at one moment: plain data, which holds on to nothing. */

import type { ItemKind } from '../schedule/itemKey.js';
import type { ActiveRound } from './activeRound.js';
import type { Member } from './member.js';
import { hostOf } from './peerHost.js';

export interface FleetView {
  readonly nodes: readonly NodeView[];
  /** Undefined between two rounds. */
  readonly round: RoundView | undefined;
}

/** One attached node. Counts are since it attached; null: a node of this process, which no network is between. */
export interface NodeView {
  /** Of this connection: a node that comes back has another. */
  readonly id: number;
  readonly name: string;
  readonly host: string;
  readonly isLocal: boolean;
  readonly engine: string;
  readonly device: string;
  readonly numericsClass: string;
  readonly threads: number;
  readonly isDraining: boolean;
  readonly attachedSeconds: number;
  /** Since it was last heard of. */
  readonly silentSeconds: number | null;
  readonly roundTripMs: number | null;
  readonly bytesReceived: number | null;
  readonly bytesSent: number | null;
  readonly itemsHeld: number;
  readonly itemsGiven: number;
  readonly itemsAnswered: number;
  /** Copies of items that another node had, too. */
  readonly itemsRepeated: number;
  /** Items that another node was given as well, because this one was late. */
  readonly itemsLate: number;
  readonly itemsFailed: number;
  readonly trainedImages: number;
}

/** A step, or an evaluation, in progress. */
export interface RoundView {
  readonly kind: ItemKind;
  readonly round: number;
  /**
   * One number an item, in order: 0 nobody has it; n above 0: `nodes[n - 1]` computes it; n below 0: `nodes[-n - 1]` has
   * answered it. One more than there are nodes stands for a node that has left.
   */
  readonly items: readonly number[];
}

export function viewFleet(
  members: Iterable<Member>,
  active: ActiveRound | undefined,
  nowMs: number,
): FleetView {
  const present = [...members];
  return {
    nodes: present.map((member) => viewMember(member, nowMs)),
    round: active && viewRound(active, present),
  };
}

function viewMember(member: Member, nowMs: number): NodeView {
  const { hello, channel, tally } = member;
  const traffic = channel.traffic?.();
  return {
    id: member.id,
    name: hello.nodeName,
    host: hostOf(channel.peerName),
    isLocal: member.local,
    engine: hello.engine,
    device: hello.device,
    numericsClass: hello.numericsClass,
    threads: hello.threads,
    isDraining: member.draining,
    attachedSeconds: (nowMs - member.attachedAtMs) / 1000,
    silentSeconds: traffic ? (nowMs - traffic.heardAtMs) / 1000 : null,
    roundTripMs: traffic?.roundTripMs ?? null,
    bytesReceived: traffic?.bytesReceived ?? null,
    bytesSent: traffic?.bytesSent ?? null,
    itemsHeld: member.workload.itemCount,
    itemsGiven: tally.given,
    itemsAnswered: tally.answered,
    itemsRepeated: tally.repeated,
    itemsLate: tally.late,
    itemsFailed: tally.failed,
    trainedImages: tally.trainedSamples,
  };
}

function viewRound({ request, schedule }: ActiveRound, members: readonly Member[]): RoundView {
  const numberOf = new Map(members.map((member, index) => [member, index + 1]));
  const count = request.itemCount === 'open' ? 0 : request.itemCount;
  const items = Array.from({ length: count }, (_, index) => {
    const { isAnswered, by } = schedule.statusOf(index);
    if (!by) return 0;
    const number = numberOf.get(by) ?? members.length + 1;
    return isAnswered ? -number : number;
  });
  return { kind: request.kind, round: request.round, items };
}
