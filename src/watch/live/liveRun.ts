/**
 * One run while it trains, as its own process knows it: who computes, the step in progress, who left and who was refused.
 * Collected from events and from the fleet; holds a bounded amount however long the run is.
 */

import { totalStepsOf } from '../../coordinator/index.js';
import type { FleetView, RunEvent } from '../../coordinator/index.js';
import type { Subscriber } from '../events/subscriber.js';
import type { GoneNode, LiveNode, LivePhase, LiveView, Refusal, ResumeCommand } from './api.js';
import { Recent } from './recent.js';

const MOST_GONE = 20;
const MOST_REFUSALS = 50;
/** Images per second are those of so many milliseconds. */
const RATE_OVER_MS = 10_000;

/** The weight of the newest step in the mean of the latest. */
const NEWEST_STEP = 0.05;

interface Sample {
  readonly atMs: number;
  readonly images: number;
}

type StepEvent = Extract<RunEvent, { event: 'step' }>;
type StartEvent = Extract<RunEvent, { event: 'run-started' }>;

export interface LiveRunListener {
  /** Called once the run has its folder. */
  readonly onFolder?: ((folder: string) => void) | undefined;
  /** Called once its result is there. */
  readonly onResult?: (() => void) | undefined;
  /** The command that continues the run in this folder; undefined: there is none. */
  readonly resumeCommand?: ((folder: string) => ResumeCommand | undefined) | undefined;
}

export class LiveRun implements Subscriber {
  readonly name = 'the live page';
  private start: StartEvent | undefined;
  private lastStep: StepEvent | undefined;
  private meanStepMs = 0;
  /** With validations and whatever else takes time, once an epoch is done. */
  private secondsPerStep: number | undefined;
  private epochsCompleted = 0;
  private waitingFor: string | undefined;
  private phase: LivePhase = 'starting';
  /** Other than steps, epochs and checkpoints: the page fetches them when there are more. */
  private happeningCount = 0;
  private readonly gone = new Recent<GoneNode>(MOST_GONE);
  private readonly refusals = new Recent<Refusal>(MOST_REFUSALS);
  private readonly samples = new Map<number, Sample[]>();
  private lastRound: FleetView['round'];
  private stoppedBy: string | undefined;
  private isStopping = false;
  private isOver = false;

  /** @param fleet looked at whenever somebody watches */
  constructor(
    private readonly fleet: () => FleetView,
    private readonly listener: LiveRunListener,
  ) {}

  on(event: RunEvent, timeMs: number): void {
    switch (event.event) {
      case 'run-started':
        this.start = event;
        this.epochsCompleted = Math.floor(event.resumedAtStep / event.stepsPerEpoch);
        this.listener.onFolder?.(event.runDir);
        break;
      case 'step':
        this.lastStep = event;
        this.meanStepMs += (event.stepMs - this.meanStepMs) * (this.meanStepMs === 0 ? 1 : NEWEST_STEP);
        this.phase = 'training';
        this.waitingFor = undefined;
        return;
      case 'epoch':
        this.epochsCompleted = event.epoch;
        this.secondsPerStep = event.wallSeconds / event.step;
        return;
      case 'checkpoint':
        return;
      case 'waiting':
        this.phase = 'waiting';
        this.waitingFor = event.reason;
        break;
      case 'worker-joined':
        if (this.phase === 'waiting' && this.lastStep) this.phase = 'training';
        break;
      case 'worker-left':
        this.gone.add({ name: event.node, reason: event.reason, atMs: timeMs });
        break;
      case 'worker-refused': {
        const { node, address, reason } = event;
        this.refusals.add({ address: `${node} (${address})`, reason, count: 1, atMs: timeMs });
        break;
      }
      case 'connection-refused':
        this.refusals.add({ address: event.address, reason: event.reason, count: event.count, atMs: timeMs });
        break;
      case 'run-finished':
        this.isOver = true;
        this.stoppedBy = event.stoppedBy;
        this.listener.onResult?.();
        break;
      case 'listening':
      case 'page':
      case 'notice':
      case 'test':
      case 'workers-changed':
        break;
    }
    this.happeningCount++;
  }

  /** The process ends: nobody computes any more, whether the run has a result or not. */
  end(): void {
    this.isOver = true;
  }

  close(): void {
    this.end();
  }

  /** Somebody has asked to stop. */
  stopping(): void {
    this.isStopping = true;
  }

  view(): LiveView {
    const { nodes, round } = this.isOver ? { nodes: [], round: undefined } : this.fleet();
    if (round) this.lastRound = round;
    const nowMs = performance.now();
    for (const id of this.samples.keys()) if (!nodes.some((node) => node.id === id)) this.samples.delete(id);
    const live = nodes.map((node) => ({ ...node, imagesPerSecond: this.rateOf(node, nowMs) }));
    const { start, lastStep } = this;
    return {
      nowMs: Date.now(),
      phase: this.isOver ? 'ended' : this.phase,
      stoppedBy: this.stoppedBy ?? null,
      resume: this.resume(),
      isStopping: this.isStopping && !this.isOver,
      waitingFor: this.phase === 'waiting' && !this.isOver ? (this.waitingFor ?? null) : null,
      step: lastStep?.step ?? start?.resumedAtStep ?? 0,
      epochsCompleted: this.epochsCompleted,
      secondsLeft: this.secondsLeft(),
      loss: lastStep?.loss ?? null,
      stepsPerEpoch: start?.stepsPerEpoch ?? null,
      epochs: start?.epochs ?? null,
      maxSteps: start?.maxSteps ?? null,
      imagesPerSecond: lastStep ? live.reduce((sum, node) => sum + (node.imagesPerSecond ?? 0), 0) : null,
      nodes: live,
      round: this.isOver ? null : (this.lastRound ?? null),
      isRoundOver: round === undefined,
      gone: this.gone.latestFirst(),
      refusals: this.refusals.latestFirst(),
      happeningCount: this.happeningCount,
    };
  }

  private resume(): ResumeCommand | null {
    if (this.stoppedBy !== 'signal' || !this.start) return null;
    return this.listener.resumeCommand?.(this.start.runDir) ?? null;
  }

  /** As if the steps to come took as long as those before, with all that is between them. */
  private secondsLeft(): number | null {
    const { start, lastStep, meanStepMs, secondsPerStep = meanStepMs / 1000 } = this;
    if (!start || !lastStep || this.isOver) return null;
    const steps = Math.min(totalStepsOf(start), start.maxSteps ?? Infinity);
    return Math.max(0, steps - lastStep.step) * secondsPerStep;
  }

  private rateOf(
    { id, trainedImages, attachedSeconds }: FleetView['nodes'][number],
    nowMs: number,
  ): LiveNode['imagesPerSecond'] {
    const samples = this.samples.get(id) ?? [];
    this.samples.set(id, samples);
    samples.push({ atMs: nowMs, images: trainedImages });
    while (samples.length > 2 && nowMs - samples[1]!.atMs >= RATE_OVER_MS) samples.shift();
    const [first] = samples;
    const tookMs = nowMs - first!.atMs;
    // At the first look, since it attached; then over the last seconds.
    if (samples.length === 1 || tookMs < 500)
      return attachedSeconds < 0.5 ? null : trainedImages / attachedSeconds;
    return ((trainedImages - first!.images) / tookMs) * 1000;
  }
}
