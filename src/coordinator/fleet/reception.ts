/** From a new channel to a member: what comes first must be a hello that fits this run, from a node that is welcome. */

import type { Bye, CoordinatorChannel, NodeMessage, Refused, Welcome } from '../../protocol/index.js';
import { checkFirstMessage } from './admission.js';
import { REFUSAL_REMEDY } from './nodeReputation.js';
import type { ConductBook } from './nodeReputation.js';
import { Member } from './member.js';

export interface ReceptionOptions {
  readonly welcome: Welcome;
  readonly conductBook: ConductBook;
  /** @param peerName host and port */
  readonly onRefused: (peerName: string, reason: string) => void;
  readonly onMember: (member: Member) => void;
  readonly onMessage: (member: Member, message: NodeMessage) => void;
  readonly onClose: (member: Member, reason: string, fault: 'bad-frame' | undefined) => void;
}

/** Set when everybody has been sent home. */
export interface Farewell {
  readonly runEnded: boolean;
  readonly reason: string;
}

/** A stranger who connects and says nothing is shown the door. */
const HELLO_TIMEOUT_MS = 10_000;

export class Reception {
  private farewell: Farewell | undefined;

  constructor(private readonly options: ReceptionOptions) {}

  /** Nobody is admitted any more; who comes is told why. */
  close(farewell: Farewell): void {
    this.farewell = farewell;
  }

  get isClosed(): boolean {
    return this.farewell !== undefined;
  }

  admit(channel: CoordinatorChannel, local: boolean): void {
    let member: Member | undefined;
    let turnedAway = false;
    const silence = setTimeout(() => {
      turnedAway = true;
      const reason = `no hello within ${HELLO_TIMEOUT_MS / 1000} s`;
      this.options.onRefused(channel.peerName, reason);
      channel.close(reason);
    }, HELLO_TIMEOUT_MS);
    channel.open({
      onMessage: (message) => {
        clearTimeout(silence);
        if (turnedAway || member?.gone) return; // on its way when the door was shut
        if (member) return this.options.onMessage(member, message);
        const greeted = this.greet(channel, message, local);
        turnedAway = !(greeted instanceof Member);
        if (greeted instanceof Member) {
          member = greeted;
          this.options.onMember(member);
        } else {
          if (!this.isClosed) this.options.onRefused(channel.peerName, greeted.reason);
          channel.send(greeted);
          channel.close('turned away');
        }
      },
      onClose: (reason, fault) => {
        clearTimeout(silence);
        if (member) this.options.onClose(member, reason, fault);
        else if (!turnedAway && fault) this.options.onRefused(channel.peerName, reason);
      },
    });
  }

  private greet(channel: CoordinatorChannel, message: NodeMessage, local: boolean): Member | Bye | Refused {
    if (this.farewell) return { type: 'bye', ...this.farewell };
    const first = checkFirstMessage(message, this.options.welcome);
    if (first.kind === 'refused') return { type: 'refused', code: first.code, reason: first.reason };
    const conduct = this.options.conductBook.of(first.nodeSecret);
    if (conduct.refusal === undefined) return new Member(first.hello, channel, local, conduct);
    const reason = `it was refused before in this run: ${conduct.refusal}; ${REFUSAL_REMEDY}`;
    return { type: 'refused', code: 'E_REFUSED', reason };
  }
}
