/** Turns a graph into steps over an arena: what each step runs, where each value is stored, which step adds which gradient. */

import { invariant } from '../../../foundation/errors.js';
import type { KernelLibrary } from '../kernels/library.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import type { Arena, BatchRegion } from './arena.js';
import { ConvolutionStep } from './convolutionStep.js';
import { IMAGES_VALUE, operandsOf } from '../../graph.js';
import type { Graph, Operation, PixelOperation, ValueIndex } from '../../graph.js';
import {
  fusesNormalisationBackward,
  isDeferred,
  isKept,
  normalises,
  producerOf,
  readsPadded,
  wantsGradient,
} from './flow.js';
import { DenseStep, DropoutStep, ScaleStep } from './headSteps.js';
import type { RegionContribution } from './headSteps.js';
import { Normalisation } from './normalisation.js';
import { PixelStep } from './pixelStep.js';
import { PoolStep } from './poolStep.js';
import type { Step } from './run.js';
import { ShortcutStep } from './shortcutStep.js';
import { GradientPlan, ValueMemory } from './values.js';
import type { Contribution, ContributionKind } from './values.js';
import { WindowPoolStep } from './windowPoolStep.js';

/**
 * Builds the steps. Forward step i runs at time i, backward step i at 2 n - i. From these times the arena knows which
 * regions are alive together.
 */
export class Planner {
  readonly values: readonly ValueMemory[];
  private readonly steps: Step[] = [];
  private readonly pixelSteps = new Map<number, PixelStep>();
  private readonly normalisations = new Map<number, Normalisation>();
  private readonly gradientPlans = new Map<ValueIndex, GradientPlan>();
  /** Where the loss puts the gradient of the logits. Their producer may want it finished, as any other gradient. */
  private lossContribution: RegionContribution | undefined;

  constructor(
    readonly graph: Graph,
    private readonly library: KernelLibrary,
    private readonly arena: Arena,
  ) {
    this.values = graph.values.map(
      ({ shape }, index) => new ValueMemory(arena, shape, readsPadded(graph, index)),
    );
  }

  plan(): readonly Step[] {
    this.values[IMAGES_VALUE]!.data.usedAt(-1);
    const { operations } = this.graph;
    operations.forEach((operation, index) => {
      if (operation.kind === 'pixels') this.describePixels(operation, index);
    });
    const convolutions = new Map<number, ConvolutionStep>();
    operations.forEach((operation, index) => {
      if (operation.kind === 'convolution') convolutions.set(index, this.convolutionStep(operation, index));
    });
    this.planGradients();
    this.lossContribution = this.claimRegion(this.graph.logits, operations.length);
    this.steps.length = operations.length;
    for (let index = operations.length - 1; index >= 0; index--) {
      this.steps[index] = this.backwardOf(operations[index]!, index, convolutions.get(index));
    }
    this.declareUses();
    return this.steps;
  }

  get lossGradient(): RegionContribution {
    invariant(this.lossContribution !== undefined, 'the steps are planned first');
    return this.lossContribution;
  }

  private valueAt(index: ValueIndex): ValueMemory {
    const value = this.values[index];
    invariant(value !== undefined, `no value ${index}`);
    return value;
  }

  private backwardTime(index: number): number {
    return 2 * this.graph.operations.length - index;
  }

  private describePixels(operation: PixelOperation, index: number): void {
    const source = this.valueAt(operation.source);
    const result = this.valueAt(operation.result);
    const addend = operation.addend === undefined ? undefined : this.valueAt(operation.addend);
    const normalisation =
      operation.normalisation &&
      new Normalisation(this.library, this.arena, operation.normalisation, source.map);
    if (normalisation) this.normalisations.set(index, normalisation);
    const deferred = isDeferred(this.graph, index);
    const isRecomputable = normalisation !== undefined && addend === undefined;
    const kept = isKept(this.graph, index);
    const isFused = fusesNormalisationBackward(this.graph, operation);
    const needsScratch = normalisation !== undefined && !isFused && wantsGradient(operation.source);
    const scratch = needsScratch ? this.gradientRegion(source, this.backwardTime(index)) : undefined;
    const step = new PixelStep(
      this.library,
      {
        source,
        addend,
        relu: operation.relu,
        smooth: operation.smooth,
        result,
        normalisation,
        momentsBySource: producerOf(this.graph, operation.source)?.kind === 'convolution',
        deferred,
        kept,
      },
      scratch,
    );
    result.finish = {
      mask: !operation.relu ? 'none' : isRecomputable ? 'normalised' : 'results',
      smooth: operation.smooth && {
        input: {
          activation: operation.smooth,
          normalise: normalisation !== undefined,
          inputPadded: source.padded,
          addend: addend === undefined ? 'none' : addend.padded ? 'padded' : 'plain',
        },
        addend: addend?.data,
      },
      normalisation,
      normalised: normalisation || operation.smooth ? source.data : undefined,
    };
    this.pixelSteps.set(index, step);
  }

  private convolutionStep(
    operation: Extract<Operation, { kind: 'convolution' }>,
    index: number,
  ): ConvolutionStep {
    const before = index > 0 ? this.graph.operations[index - 1]! : undefined;
    const followsPixels = before?.kind === 'pixels' && before.result === operation.source;
    const readers = this.graph.values[operation.result]!.consumers;
    const normalising = readers.filter((reader) => normalises(this.graph, reader, operation.result));
    const [first] = normalising;
    return new ConvolutionStep(this.library, this.arena, {
      layer: operation.layer,
      source: this.valueAt(operation.source),
      result: this.valueAt(operation.result),
      deferred: followsPixels ? this.pixelSteps.get(index - 1) : undefined,
      feeds: [...new Set(normalising)].map((reader) => this.normalisations.get(reader)!),
      normalisedBy: first !== undefined && readers.length === 1 ? this.pixelSteps.get(first) : undefined,
    });
  }

  /** For a contribution to the gradient of a value: plain images, even if the value itself has a border. */
  private gradientRegion(value: ValueMemory, time: number): BatchRegion {
    return this.arena.batch(value.gradient.imageBytes / FLOAT_BYTES).usedAt(time);
  }

  /** For each value, the kinds of its contributions in the order in which the backward pass makes them. */
  private planGradients(): void {
    const kinds = new Map<ValueIndex, ContributionKind[]>();
    const note = (value: ValueIndex, kind: ContributionKind): void => {
      if (!wantsGradient(value)) return;
      kinds.set(value, [...(kinds.get(value) ?? []), kind]);
    };
    note(this.graph.logits, 'region');
    const live = this.graph.operations.filter((_, index) => this.graph.isLive[index]);
    for (const operation of live.reverse()) {
      if (operation.kind === 'convolution') note(operation.source, 'group');
      else if (operation.kind !== 'pixels') note(operation.source, 'region');
      else {
        if (operation.addend !== undefined) note(operation.addend, 'alias');
        if (operation.normalisation === undefined) note(operation.source, 'alias');
        else if (!fusesNormalisationBackward(this.graph, operation)) note(operation.source, 'region');
      }
    }
    for (const [value, list] of kinds) {
      this.gradientPlans.set(value, new GradientPlan(this.library, this.valueAt(value), list));
    }
  }

  private backwardOf(operation: Operation, index: number, convolution: ConvolutionStep | undefined): Step {
    const time = this.backwardTime(index);
    const source = this.valueAt(operation.source);
    const result = this.valueAt(operation.result);
    const isLive = this.graph.isLive[index]!;
    result.gradient.usedAt(time);
    if (operation.kind === 'convolution') {
      if (isLive && wantsGradient(operation.source)) {
        const plan = this.gradientPlans.get(operation.source)!;
        convolution!.inputContribution = plan.claim(time, convolution!.inputGradientPadded);
      }
      return convolution!;
    }
    if (operation.kind === 'pixels') {
      return isLive ? this.claimForPixels(operation, index, time) : this.pixelSteps.get(index)!;
    }
    const contribution = isLive ? this.claimRegion(operation.source, time) : undefined;
    switch (operation.kind) {
      case 'shortcut':
        return new ShortcutStep(this.library, { source, result, stride: operation.stride, contribution });
      case 'pool':
        return new PoolStep(this.library, { source, result, contribution });
      case 'window-pool': {
        const { layer } = operation;
        return new WindowPoolStep(this.library, { arena: this.arena, layer, source, result, contribution });
      }
      case 'scale':
        return new ScaleStep({ arena: this.arena, source, result, contribution }, operation.factor);
      case 'dropout':
        return new DropoutStep({ arena: this.arena, source, result, contribution }, operation);
      case 'dense':
        return new DenseStep({ arena: this.arena, source, result, contribution }, operation.layer);
    }
  }

  private claimForPixels(operation: PixelOperation, index: number, time: number): PixelStep {
    const step = this.pixelSteps.get(index)!;
    const result = this.valueAt(operation.result);
    const claim = (value: ValueIndex, alias?: BatchRegion): Contribution | undefined =>
      wantsGradient(value) ? this.gradientPlans.get(value)!.claim(time, false, alias) : undefined;
    if (operation.addend !== undefined) step.addendContribution = claim(operation.addend, result.gradient);
    if (operation.normalisation === undefined)
      step.sourceContribution = claim(operation.source, result.gradient);
    else if (!fusesNormalisationBackward(this.graph, operation))
      step.sourceContribution = claim(operation.source);
    return step;
  }

  private claimRegion(value: ValueIndex, time: number): RegionContribution | undefined {
    if (!wantsGradient(value)) return undefined;
    const to = this.gradientPlans.get(value)!.claim(time, false);
    const memory = this.valueAt(value);
    const region = to.writesGradientDirectly ? memory.gradient : this.gradientRegion(memory, time);
    return { to, region };
  }

  /** Lifetimes of activations, and of gradients that are read although no contribution is claimed. */
  private declareUses(): void {
    const { operations, logits } = this.graph;
    this.valueAt(logits).data.usedAt(operations.length);
    this.valueAt(logits).gradient.usedAt(operations.length);
    operations.forEach((operation, index) => {
      const step = this.pixelSteps.get(index);
      if (step === undefined || step.options.kept) this.valueAt(operation.result).data.usedAt(index);
      const reads = operandsOf(operation).map((value) => this.valueAt(value));
      for (const { data } of reads) this.readBy(data, operation, index);
      if (operation.kind === 'pixels') this.declarePixelUses(operation, index, step!);
      if (operation.kind === 'window-pool') {
        this.valueAt(operation.result).data.usedAt(this.backwardTime(index));
      }
    });
  }

  private readBy(data: BatchRegion, operation: Operation, index: number): void {
    const isVirtual = data.firstUse > data.lastUse;
    if (operation.kind === 'convolution' && isVirtual) return;
    data.usedAt(index).usedAt(this.backwardTime(index));
  }

  private declarePixelUses(operation: PixelOperation, index: number, step: PixelStep): void {
    const { source, addend, deferred } = step.options;
    if (deferred) {
      source.data.usedAt(index + 1).usedAt(this.backwardTime(index + 1));
      addend?.data.usedAt(index + 1);
    }
    if (fusesNormalisationBackward(this.graph, operation)) {
      const { producer } = this.graph.values[operation.source]!;
      this.valueAt(operation.result).gradient.usedAt(this.backwardTime(producer!));
      source.data.usedAt(this.backwardTime(producer!));
    }
  }
}
