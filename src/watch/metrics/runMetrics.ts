/**
 * A run in numbers for Prometheus. Names follow its conventions: base units, `_total` for counters, one prefix. What counts
 * since this process began is a counter; what a resumed run takes over is a gauge.
 */

import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { totalStepsOf } from '../../coordinator/index.js';
import type { RunEvent } from '../../coordinator/index.js';
import type { Subscriber } from '../events/subscriber.js';

const MS_PER_SECOND = 1000;
/** From a tiny network on a GPU to a large one over a slow link. */
const STEP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const STALL_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];
const WRITE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type EventOf<Kind extends RunEvent['event']> = Extract<RunEvent, { event: Kind }>;

export class RunMetrics implements Subscriber {
  readonly name = 'the metrics for Prometheus';
  private readonly gauges: Readonly<Record<keyof typeof GAUGES, Gauge>>;
  private readonly counters: Readonly<Record<keyof typeof COUNTERS, Counter>>;
  private readonly stepSeconds: Histogram;
  private readonly coordinationSeconds: Histogram;
  private readonly validationSeconds: Histogram;
  private readonly stallSeconds: Histogram;
  private readonly writeSeconds: Histogram;
  private readonly info: Gauge;

  constructor(registry: Registry, version: string) {
    const registers = [registry];
    const named = <Made>(
      table: Readonly<Record<string, string>>,
      make: (name: string, help: string) => Made,
    ) =>
      Object.fromEntries(Object.entries(table).map(([name, help]) => [name, make(`lockstep_${name}`, help)]));
    this.gauges = named(GAUGES, (name, help) => new Gauge({ name, help, registers })) as typeof this.gauges;
    this.counters = named(
      COUNTERS,
      (name, help) => new Counter({ name, help, registers }),
    ) as typeof this.counters;
    const histogram = (name: string, help: string, buckets: number[]): Histogram =>
      new Histogram({ name: `lockstep_${name}`, help, buckets, registers });
    this.stepSeconds = histogram('step_duration_seconds', 'Duration of training steps.', STEP_BUCKETS);
    this.coordinationSeconds = histogram(
      'step_coordination_seconds',
      'The part of a step in which no worker computed.',
      STEP_BUCKETS,
    );
    this.validationSeconds = histogram(
      'validation_duration_seconds',
      'Duration of validations.',
      WRITE_BUCKETS,
    );
    this.stallSeconds = histogram(
      'checkpoint_stall_seconds',
      'Time that training stood still for the copy of a checkpoint.',
      STALL_BUCKETS,
    );
    this.writeSeconds = histogram(
      'checkpoint_write_seconds',
      'Time that writing a checkpoint took in the background.',
      WRITE_BUCKETS,
    );
    this.info = new Gauge({
      name: 'lockstep_run_info',
      help: 'What is trained, as labels; always 1.',
      labelNames: ['model', 'dataset', 'version'],
      registers,
    });
    this.version = version;
  }

  private readonly version: string;

  on(event: RunEvent, timeMs: number): void {
    switch (event.event) {
      case 'run-started':
        return this.began(event);
      case 'step':
        return this.stepDone(event);
      case 'epoch':
        return this.epochDone(event);
      case 'checkpoint':
        this.stallSeconds.observe(event.stallMs / MS_PER_SECOND);
        this.writeSeconds.observe(event.writeMs / MS_PER_SECOND);
        this.gauges.last_checkpoint_size_bytes.set(event.byteCount);
        return this.gauges.last_checkpoint_timestamp_seconds.set(timeMs / MS_PER_SECOND);
      case 'worker-joined':
        return this.counters.nodes_joined_total.inc();
      case 'worker-left':
        return this.counters.nodes_left_total.inc();
      case 'worker-refused':
        return this.counters.nodes_refused_total.inc();
      case 'workers-changed':
        this.counters.nodes_joined_total.inc(event.joined);
        this.counters.nodes_left_total.inc(event.left);
        return this.counters.nodes_refused_total.inc(event.refused);
      case 'connection-refused':
        return this.counters.connections_refused_total.inc(event.count);
      case 'waiting':
        return this.counters.waits_total.inc();
      case 'notice':
        return this.counters.notices_total.inc();
      default:
    }
  }

  private began({
    model,
    dataset,
    epochs,
    stepsPerEpoch,
    maxSteps,
    resumedAtStep,
  }: EventOf<'run-started'>): void {
    this.info.set({ model, dataset, version: this.version }, 1);
    this.gauges.step.set(resumedAtStep);
    this.gauges.planned_steps.set(Math.min(maxSteps ?? Infinity, totalStepsOf({ epochs, stepsPerEpoch })));
    this.gauges.planned_epochs.set(epochs);
  }

  private stepDone(event: EventOf<'step'>): void {
    this.gauges.step.set(event.step);
    this.gauges.train_loss.set(event.loss);
    this.gauges.train_accuracy_ratio.set(event.accuracy);
    this.gauges.learning_rate.set(event.lr);
    this.counters.steps_total.inc();
    this.counters.images_total.inc(event.samples);
    this.stepSeconds.observe(event.stepMs / MS_PER_SECOND);
    this.coordinationSeconds.observe(event.coordinationMs / MS_PER_SECOND);
  }

  private epochDone(event: EventOf<'epoch'>): void {
    this.gauges.epoch.set(event.epoch);
    const { validationLoss, validationAccuracy } = event;
    if (validationLoss === null || validationAccuracy === null) return;
    this.gauges.validation_loss.set(validationLoss);
    this.gauges.validation_accuracy_ratio.set(validationAccuracy);
    if (event.best) this.gauges.best_validation_accuracy_ratio.set(validationAccuracy);
    this.validationSeconds.observe(event.validationSeconds);
  }
}

const GAUGES = {
  step: 'Steps that the run has completed, those of earlier sessions included.',
  epoch: 'Epochs that the run has completed, since this session began or before.',
  planned_steps: 'Steps after which the run ends, unless early stopping ends it before.',
  planned_epochs: 'Epochs after which the run ends, unless early stopping ends it before.',
  train_loss: 'Mean loss over the samples of the last step.',
  train_accuracy_ratio: 'Accuracy on the samples of the last step, from 0 to 1.',
  learning_rate: 'Learning rate of the last step.',
  validation_loss: 'Loss of the last validation.',
  validation_accuracy_ratio: 'Accuracy of the last validation, from 0 to 1.',
  best_validation_accuracy_ratio: 'Best accuracy of a validation in this session, from 0 to 1.',
  last_checkpoint_timestamp_seconds: 'When the last checkpoint was on disk, since 1970.',
  last_checkpoint_size_bytes: 'Size of the last checkpoint.',
} as const;

const COUNTERS = {
  steps_total: 'Training steps of this session.',
  images_total: 'Training images of this session.',
  nodes_joined_total: 'Nodes that were attached in this session.',
  nodes_left_total: 'Nodes that have left in this session.',
  nodes_refused_total: 'Nodes that were cut off for what they sent.',
  connections_refused_total: 'Connections that did not become a node, for example for a wrong token.',
  waits_total: 'Times that training has waited for workers.',
  notices_total: 'Notices to the user.',
} as const;
