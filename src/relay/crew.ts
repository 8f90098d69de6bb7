/** The nodes beneath a relay: a fleet for the run that the coordinator tells of, and the one round that it works on. */

import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../foundation/clock.js';
import { Fleet, GradientBuffers } from '../coordinator/index.js';
import type { EventListener, Member, Workforce } from '../coordinator/index.js';
import type { Model } from '../model/index.js';
import type { Welcome } from '../protocol/index.js';
import { MOST_RELAYS, MOST_THREADS } from '../protocol/index.js';
import type { RelayRound } from './relayRound.js';

/** Lets nodes into a fleet. */
export interface Entrance {
  close(): Promise<void>;
}

export interface CrewOptions {
  readonly open: (fleet: Fleet, model: Model) => Promise<Entrance>;
  readonly onEvent: EventListener;
  /** Told of an error that ends the relay, such as a port that is taken. */
  readonly onFailure: (error: unknown) => void;
  /** Left out: the real one. */
  readonly clock?: Clock;
  /** See FleetOptions. */
  readonly areAnswersRead?: () => boolean;
}

interface Place {
  readonly welcome: Welcome;
  readonly model: Model;
  readonly fleet: Fleet;
  readonly entrance: Promise<Entrance>;
  /** For gradients that wait for their siblings. They go with the run: another network has others. */
  readonly buffers: GradientBuffers;
}

/** The relay itself waits as long as its coordinator does. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;
const NOBODY: Workforce = {
  engine: 'relay',
  device: 'no workers',
  numericsClass: 'none',
  exact: true,
  threads: 0,
};

export class Crew {
  /** Told whenever `workforce` may have changed. */
  onWorkers: () => void = () => undefined;
  /** Decides nothing but whom this relay is not attached to: itself. */
  private readonly identity = randomBytes(8).toString('hex');
  private place: Place | undefined;
  private round: RelayRound | undefined;
  private running: Promise<void> = Promise.resolve();
  private rounds = 0;
  private versions = 0;

  constructor(private readonly options: CrewOptions) {}

  get fleet(): Fleet | undefined {
    return this.place?.fleet;
  }

  /** All workers, as one node would bring them. */
  workforce(): Workforce {
    const nodes = this.place?.fleet.workforce() ?? [];
    const [first] = nodes;
    const relays = [this.identity, ...nodes.flatMap((node) => node.relays ?? [])].slice(0, MOST_RELAYS);
    if (!first) return { ...NOBODY, relays };
    const threads = nodes.reduce((sum, node) => sum + node.threads, 0);
    return {
      engine: [...new Set(nodes.map(({ engine }) => engine))].join('+').slice(0, LONGEST_TEXT),
      device: `${nodes.length} node(s) behind a relay`,
      numericsClass: first.numericsClass,
      exact: nodes.every(({ exact }) => exact),
      threads: Math.min(threads, MOST_THREADS),
      relays,
    };
  }

  /** Makes ready for this run. Nodes of another run are sent away, and come back. */
  enter(welcome: Welcome, model: Model): Pick<Place, 'fleet' | 'buffers'> {
    if (this.place && isDeepStrictEqual(this.place.welcome, welcome)) return this.place;
    const before = this.leave('the coordinator has begun another run', { runEnded: false });
    const fleet: Fleet = new Fleet({
      welcome,
      onEvent: this.options.onEvent,
      waitTimeoutMs: NO_TIMEOUT_MS,
      refusalOf: (workers, from) => this.refusalOf(fleet, workers, from),
      onWorkers: () => this.onWorkers(),
      ...(this.options.clock && { clock: this.options.clock }),
      ...(this.options.areAnswersRead && { areAnswersRead: this.options.areAnswersRead }),
    });
    const entrance = before.then(() => this.options.open(fleet, model));
    entrance.catch((error: unknown) => this.options.onFailure(error));
    this.place = { welcome, model, fleet, entrance, buffers: new GradientBuffers() };
    return this.place;
  }

  /** Unique among all rounds of this relay. */
  nextRoundId(): number {
    return ++this.rounds;
  }

  /** Unique among all weights that this relay has sent: a coordinator that was restarted counts anew. */
  nextVersion(): number {
    return ++this.versions;
  }

  /** Works on this round from now on, and on no other. */
  begin(round: RelayRound, fleet: Fleet): void {
    this.endRound();
    this.round = round;
    this.running = this.running.then(() => this.run(round, fleet));
  }

  endRound(): void {
    this.round?.end();
    this.round = undefined;
  }

  /** Sends all nodes away. */
  async leave(reason: string, { runEnded }: { readonly runEnded: boolean }): Promise<void> {
    const { place } = this;
    this.place = undefined;
    this.endRound();
    if (!place) return;
    place.fleet.end(reason, { runEnded });
    await place.entrance.then(
      (entrance) => entrance.close(),
      () => undefined,
    );
  }

  private async run(round: RelayRound, fleet: Fleet): Promise<void> {
    if (round.signal.aborted) return;
    try {
      const running = fleet.run(round, round.signal);
      round.begin(fleet.openRound);
      await running;
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it may have changed meanwhile
      if (!round.signal.aborted) this.options.onFailure(error);
    }
  }

  /** No circles; and a relay answers in one numerics class: that of its first worker. */
  private refusalOf(
    fleet: Fleet,
    { threads, numericsClass, relays }: Workforce,
    from: Member | undefined,
  ): string | undefined {
    if (relays?.includes(this.identity)) {
      return 'this relay is attached behind it, so the two would stand for each other; attach it to the coordinator';
    }
    const other = [...fleet.numericsClasses(from)].find((each) => each !== numericsClass);
    if (threads === 0 || other === undefined) return undefined;
    return `its numerics class is ${numericsClass}, and the workers of this relay have ${other}; attach it to another relay, or to the coordinator`;
  }
}

/** As the protocol allows. */
const LONGEST_TEXT = 200;
