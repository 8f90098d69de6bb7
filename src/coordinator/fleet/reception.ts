/** Turns a new channel into a member. The first message must be a hello that fits this run, from a node not refused. */

import type { Clock } from '../../foundation/clock.js';
import type { Bye, CoordinatorChannel, Hello, NodeMessage, Refused, Welcome } from '../../protocol/index.js';
import { checkFirstMessage } from './admission.js';
import { REFUSAL_REMEDY } from './nodeReputation.js';
import type { NodeReputations } from './nodeReputation.js';
import { Member } from './member.js';
import type { RunClasses } from './runClasses.js';

export interface ReceptionOptions {
  readonly welcome: Welcome;
  readonly clock: Clock;
  /** Why nodes that bring such workers cannot take part; left out: all may. */
  readonly refusalOf: ((hello: Hello) => string | undefined) | undefined;
  readonly classes: RunClasses;
  readonly reputations: NodeReputations;
  /** @param peerName host and port */
  readonly onRefused: (peerName: string, reason: string) => void;
  readonly onMember: (member: Member) => void;
  readonly onMessage: (member: Member, message: NodeMessage) => void;
  readonly onClose: (member: Member, reason: string, fault: 'bad-frame' | undefined) => void;
}

/** How and why the run is over for its nodes. */
export interface RunEnd {
  /** False if the coordinator may come back to go on with the run. */
  readonly runEnded: boolean;
  readonly reason: string;
}

/** A connection that sends no hello in this time is closed. */
const HELLO_TIMEOUT_MS = 10_000;

export class Reception {
  private runEnd: RunEnd | undefined;

  constructor(private readonly options: ReceptionOptions) {}

  /** From now on every new node is told that the run is over. */
  close(runEnd: RunEnd): void {
    this.runEnd = runEnd;
  }

  get isClosed(): boolean {
    return this.runEnd !== undefined;
  }

  admit(channel: CoordinatorChannel, local: boolean): void {
    let member: Member | undefined;
    let isRefused = false;
    const cancelTimeout = this.options.clock.after(HELLO_TIMEOUT_MS, () => {
      isRefused = true;
      const reason = `no hello within ${HELLO_TIMEOUT_MS / 1000} s`;
      this.options.onRefused(channel.peerName, reason);
      channel.close(reason);
    });
    channel.open({
      onMessage: (message) => {
        cancelTimeout();
        if (isRefused || member?.gone) return; // was sent before the node knew
        if (member) return this.options.onMessage(member, message);
        const admitted = this.greet(channel, message, local);
        isRefused = !(admitted instanceof Member);
        if (admitted instanceof Member) {
          member = admitted;
          this.options.onMember(member);
        } else {
          if (!this.isClosed) this.options.onRefused(channel.peerName, admitted.reason);
          channel.send(admitted);
          channel.close('refused');
        }
      },
      onClose: (reason, fault) => {
        cancelTimeout();
        if (member) this.options.onClose(member, reason, fault);
        else if (!isRefused && fault) this.options.onRefused(channel.peerName, reason);
      },
    });
  }

  private greet(channel: CoordinatorChannel, message: NodeMessage, local: boolean): Member | Bye | Refused {
    if (this.runEnd) return { type: 'bye', ...this.runEnd };
    const { welcome, clock } = this.options;
    const first = checkFirstMessage(message, welcome);
    if (first.kind === 'refused') return { type: 'refused', code: first.code, reason: first.reason };
    const refusal = this.options.refusalOf?.(first.hello);
    if (refusal !== undefined) return { type: 'refused', code: 'E_REFUSED', reason: refusal };
    const otherClass = this.options.classes.refusalOf(first.hello);
    if (otherClass !== undefined) return otherClass;
    const reputation = this.options.reputations.of(first.nodeSecret);
    if (reputation.refusal === undefined) return new Member(first.hello, channel, local, reputation, clock);
    const reason = `it was refused before in this run: ${reputation.refusal}; ${REFUSAL_REMEDY}`;
    return { type: 'refused', code: 'E_REFUSED', reason };
  }
}
