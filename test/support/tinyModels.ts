/** Layer lists small enough for finite differences. Each has one kind of layer between others that pass gradients on. */

import { IMAGES } from '../../src/model/index.js';
import type { ActivationShape, Layer, Model, TensorSpec } from '../../src/model/index.js';
import { LayoutBuilder } from '../../src/model/layout.js';

const CLASS_COUNT = 3;

/** Appends layers to a list; each method returns the new layer's index, and reads the last layer by default. */
export class TinyModelBuilder {
  private readonly layers: Layer[] = [];
  private readonly layout = new LayoutBuilder();

  constructor(private readonly inputShape: ActivationShape) {}

  convolution(channels: number, stride: 1 | 2 = 1, input = this.last()): number {
    const base = this.base(input, strided(this.shapeOf(input), channels, stride));
    const weight = this.tensor(base.name, 'weight', [3, 3, base.inputShape.channels, channels]);
    return this.push({ kind: 'convolution', ...base, kernelSize: 3, stride, weight });
  }

  batchNormalisation(input = this.last()): number {
    const base = this.base(input, this.shapeOf(input));
    const { channels } = base.inputShape;
    return this.push({
      kind: 'batch-normalisation',
      ...base,
      epsilon: 1e-5,
      scale: this.tensor(base.name, 'scale', [channels]),
      shift: this.tensor(base.name, 'shift', [channels]),
      runningMean: this.layout.statistic(`${base.name}.runningMean`, [channels]),
      runningVariance: this.layout.statistic(`${base.name}.runningVariance`, [channels]),
    });
  }

  relu(input = this.last()): number {
    return this.push({ kind: 'relu', ...this.base(input, this.shapeOf(input)) });
  }

  shortcut(channels: number, stride: 1 | 2, input = this.last()): number {
    const shape = strided(this.shapeOf(input), channels, stride);
    return this.push({ kind: 'shortcut', ...this.base(input, shape), stride });
  }

  add(input: number, other: number): number {
    return this.push({ kind: 'add', ...this.base(input, this.shapeOf(input)), other });
  }

  globalAveragePool(input = this.last()): number {
    const { channels } = this.shapeOf(input);
    return this.push({ kind: 'global-average-pool', ...this.base(input, { height: 1, width: 1, channels }) });
  }

  dropout(rate: number, input = this.last()): number {
    return this.push({ kind: 'dropout', ...this.base(input, this.shapeOf(input)), rate });
  }

  dense(channels = CLASS_COUNT, input = this.last()): number {
    const base = this.base(input, { height: 1, width: 1, channels });
    const weight = this.tensor(base.name, 'weight', [base.inputShape.channels, channels]);
    const bias = this.tensor(base.name, 'bias', [channels]);
    return this.push({ kind: 'dense', ...base, weight, bias });
  }

  build(): Model {
    return {
      name: 'resnet8', // the type allows no other name; engines do not read it
      dropoutRate: 0,
      inputShape: this.inputShape,
      classCount: this.shapeOf(this.last()).channels,
      layers: this.layers,
      layout: this.layout.build(),
    };
  }

  private last(): number {
    return this.layers.length - 1; // IMAGES if there is none yet
  }

  shapeOf(index: number): ActivationShape {
    return index === IMAGES ? this.inputShape : this.layers[index]!.outputShape;
  }

  private base(
    input: number,
    outputShape: ActivationShape,
  ): Pick<Layer, 'name' | 'input' | 'inputShape' | 'outputShape'> {
    return { name: `layer${this.layers.length}`, input, inputShape: this.shapeOf(input), outputShape };
  }

  private tensor(layerName: string, name: string, shape: number[]): TensorSpec {
    return this.layout.parameter(`${layerName}.${name}`, shape);
  }

  private push(layer: Layer): number {
    this.layers.push(layer);
    return this.last();
  }
}

function strided(input: ActivationShape, channels: number, stride: 1 | 2): ActivationShape {
  return { height: Math.ceil(input.height / stride), width: Math.ceil(input.width / stride), channels };
}

function tinyModel(inputShape: ActivationShape, build: (builder: TinyModelBuilder) => void): Model {
  const builder = new TinyModelBuilder(inputShape);
  build(builder);
  return builder.build();
}

function residualNetwork(inputShape: ActivationShape): Model {
  return tinyModel(inputShape, (builder) => {
    builder.convolution(4);
    builder.batchNormalisation();
    const stem = builder.relu();
    builder.convolution(8, 2);
    builder.batchNormalisation();
    builder.relu();
    builder.convolution(8);
    const branch = builder.batchNormalisation();
    const sum = builder.add(branch, builder.shortcut(8, 2, stem));
    builder.relu(sum);
    builder.globalAveragePool();
    builder.dropout(0.3);
    builder.dense();
  });
}

/** A residual network with odd image sides, which halving rounds up. */
export const ODD_SIDES: Readonly<Record<string, Model>> = {
  'a residual network with odd sides': residualNetwork({ height: 5, width: 7, channels: 3 }),
};

const SMALL: ActivationShape = { height: 4, width: 6, channels: 3 };

/** Tests input and output of each kind of layer; sides are even, as in every model that Lockstep trains. */
export const TINY_MODELS: Readonly<Record<string, Model>> = {
  'dense alone': tinyModel({ height: 1, width: 1, channels: 5 }, (builder) => {
    builder.dense();
  }),
  'global average pooling': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.globalAveragePool();
    builder.dense();
  }),
  'two convolutions': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.convolution(5);
    builder.globalAveragePool();
    builder.dense();
  }),
  'convolution of stride 2': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.convolution(8, 2);
    builder.globalAveragePool();
    builder.dense();
  }),
  relu: tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.relu();
    builder.globalAveragePool();
    builder.dense();
  }),
  'batch normalisation': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.batchNormalisation();
    builder.relu();
    builder.globalAveragePool();
    builder.dense();
  }),
  'shortcut with stride 2 and new channels': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.shortcut(8, 2);
    builder.relu();
    builder.globalAveragePool();
    builder.dense();
  }),
  'shortcut with new channels only': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.shortcut(8, 1);
    builder.relu();
    builder.globalAveragePool();
    builder.dense();
  }),
  'addition of two branches, one read twice': tinyModel(SMALL, (builder) => {
    const left = builder.convolution(4);
    const right = builder.convolution(4, 1, IMAGES);
    const sum = builder.relu(builder.add(left, right));
    builder.add(sum, left);
    builder.globalAveragePool();
    builder.dense();
  }),
  dropout: tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.dropout(0.4);
    builder.globalAveragePool();
    builder.dropout(0.25);
    builder.dense();
  }),
  'a residual network': residualNetwork(SMALL),
};
