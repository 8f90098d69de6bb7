/** A relay on a simulated machine: all of its logic is real. */

import type { Fleet } from '../coordinator/index.js';
import type { CoordinatorChannel } from '../protocol/index.js';
import { Crew, RelayConversation } from '../relay/index.js';
import { AnswerCount } from './home.js';
import type { Home } from './home.js';
import type { Machine } from './machine.js';
import { connect } from './simulatedChannel.js';
import type { Wire } from './simulatedChannel.js';
import { secretOf } from './simulatedNode.js';

/** Beyond those of the nodes. */
const FIRST_SECRET = 2 ** 40;

export interface RelaySetting {
  readonly wire: Wire;
  readonly machine: Machine;
  readonly index: number;
  readonly home: Home;
}

export class SimulatedRelay implements Home {
  readonly name: string;
  readonly machine: Machine;
  readonly answers = new AnswerCount();
  private fleet: Fleet | undefined;
  /** What came before the relay knew of the run. */
  private readonly early: CoordinatorChannel[] = [];

  constructor(private readonly setting: RelaySetting) {
    this.name = `relay ${setting.index}`;
    this.machine = setting.machine;
  }

  /** @param onFailure told of an error that would end the relay */
  attach(onFailure: (error: unknown) => void): void {
    const { wire, machine, home, index } = this.setting;
    const crew = new Crew({
      open: (fleet) => {
        this.fleet = fleet;
        for (const channel of this.early.splice(0)) fleet.admit(channel, { local: false });
        return Promise.resolve({ close: () => Promise.resolve() });
      },
      onEvent: () => undefined,
      onFailure,
      clock: wire.clock,
      areAnswersRead: () => machine.processor.isIdle,
    });
    const { above, below } = connect(
      wire,
      { machine: home.machine, peerName: this.name, onMessage: home.answers.see },
      { machine, peerName: home.name },
    );
    home.admit(above);
    new RelayConversation({
      ...{ channel: below, crew, clock: wire.clock },
      ...{ nodeName: this.name, nodeSecret: secretOf(FIRST_SECRET + index) },
    });
  }

  admit(channel: CoordinatorChannel): void {
    if (this.fleet) this.fleet.admit(channel, { local: false });
    else this.early.push(channel);
  }
}
