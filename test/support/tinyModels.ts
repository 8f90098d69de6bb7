/** Layer lists small enough for finite differences. Each has one kind of layer between others that pass gradients on. */

import { IMAGES, IMAGES_NAME, networkFrom } from '../../src/model/index.js';
import type { ActivationShape, LayerEntry, Model } from '../../src/model/index.js';

const CLASS_COUNT = 3;

/** Appends layers to a list; each method returns the new layer's index, and reads the last layer by default. */
export class TinyModelBuilder {
  private readonly layers: LayerEntry[] = [];
  private readonly shapes: ActivationShape[] = [];

  constructor(private readonly inputShape: ActivationShape) {}

  convolution(channels: number, stride: 1 | 2 = 1, input = this.last()): number {
    const shape = strided(this.shapeOf(input), channels, stride);
    return this.push({ kind: 'convolution', ...this.base(input), channels, stride }, shape);
  }

  batchNormalisation(input = this.last()): number {
    return this.push({ kind: 'batch-normalisation', ...this.base(input) }, this.shapeOf(input));
  }

  relu(input = this.last()): number {
    return this.push({ kind: 'relu', ...this.base(input) }, this.shapeOf(input));
  }

  shortcut(channels: number, stride: 1 | 2, input = this.last()): number {
    const shape = strided(this.shapeOf(input), channels, stride);
    return this.push({ kind: 'shortcut', ...this.base(input), channels, stride }, shape);
  }

  add(input: number, other: number): number {
    return this.push({ kind: 'add', ...this.base(input), other: nameOf(other) }, this.shapeOf(input));
  }

  globalAveragePool(input = this.last()): number {
    const { channels } = this.shapeOf(input);
    return this.push({ kind: 'global-average-pool', ...this.base(input) }, { height: 1, width: 1, channels });
  }

  dropout(rate: number, input = this.last()): number {
    return this.push({ kind: 'dropout', ...this.base(input), rate }, this.shapeOf(input));
  }

  dense(channels = CLASS_COUNT, input = this.last()): number {
    return this.push({ kind: 'dense', ...this.base(input), channels }, { height: 1, width: 1, channels });
  }

  build(): Model {
    const { inputShape, layers } = this;
    const { channels } = this.shapeOf(this.last());
    const classNames = Array.from({ length: channels }, (_, label) => `class ${label}`);
    return networkFrom({ name: 'tiny', inputShape, classNames, layers }, 'of a test');
  }

  private last(): number {
    return this.layers.length - 1; // IMAGES if there is none yet
  }

  shapeOf(index: number): ActivationShape {
    return index === IMAGES ? this.inputShape : this.shapes[index]!;
  }

  private base(input: number): { readonly name: string; readonly input: string } {
    return { name: nameOf(this.layers.length), input: nameOf(input) };
  }

  private push(layer: LayerEntry, shape: ActivationShape): number {
    this.layers.push(layer);
    this.shapes.push(shape);
    return this.last();
  }
}

function nameOf(index: number): string {
  return index === IMAGES ? IMAGES_NAME : `layer${index}`;
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

const NARROW: ActivationShape = { height: 5, width: 3, channels: 1 };

/** Lists that no preset makes: every kind where it is least expected. */
export const ODD_LISTS: Readonly<Record<string, Model>> = {
  'normalisation, relu and dropout of the images': tinyModel(NARROW, (builder) => {
    builder.batchNormalisation();
    builder.relu();
    builder.dropout(0.25);
    builder.convolution(3);
    builder.globalAveragePool();
    builder.dense();
  }),
  'a shortcut of the images beside a convolution of them': tinyModel(NARROW, (builder) => {
    const branch = builder.convolution(5, 2);
    builder.add(branch, builder.shortcut(5, 2, IMAGES));
    builder.relu();
    builder.globalAveragePool();
    builder.dense();
  }),
  'a sum of the images with themselves': tinyModel(NARROW, (builder) => {
    builder.add(IMAGES, IMAGES);
    builder.convolution(4);
    builder.globalAveragePool();
    builder.dense();
  }),
  'pooled channels as logits': tinyModel(NARROW, (builder) => {
    builder.convolution(4);
    builder.relu();
    builder.convolution(3);
    builder.globalAveragePool();
  }),
  'several dense layers, with all that fits between': tinyModel(NARROW, (builder) => {
    builder.convolution(4, 2);
    builder.globalAveragePool();
    builder.dense(7);
    builder.relu(); // before the normalisation: behind a bias alone it would make the bias's gradient zero
    builder.batchNormalisation();
    const hidden = builder.dropout(0.3);
    builder.dense(7);
    builder.add(hidden, builder.relu());
    builder.dense();
  }),
  'relu of the last dense layer as logits': tinyModel(NARROW, (builder) => {
    builder.convolution(4);
    builder.globalAveragePool();
    builder.dense();
    builder.relu();
  }),
  'normalisation of a convolution of one pixel as logits': tinyModel(NARROW, (builder) => {
    builder.convolution(4);
    builder.relu();
    builder.globalAveragePool();
    builder.convolution(3);
    builder.batchNormalisation();
  }),
  'a sum as logits, one of it read twice': tinyModel(NARROW, (builder) => {
    builder.convolution(4);
    const pooled = builder.globalAveragePool();
    const first = builder.dense(3, pooled);
    builder.add(builder.convolution(3, 1, pooled), first);
  }),
  'a convolution of one pixel, and a pool of it': tinyModel(
    { height: 1, width: 1, channels: 2 },
    (builder) => {
      builder.convolution(6, 2);
      builder.relu();
      builder.globalAveragePool();
      builder.dense();
    },
  ),
  'a branch that nothing reads': tinyModel(NARROW, (builder) => {
    const stem = builder.convolution(4);
    builder.batchNormalisation();
    builder.convolution(6, 2, stem);
    builder.globalAveragePool(stem);
    builder.dense();
  }),
  'dropout between convolutions, relu before normalisation': tinyModel(NARROW, (builder) => {
    builder.convolution(4);
    builder.relu();
    builder.batchNormalisation();
    builder.dropout(0.4);
    builder.convolution(5);
    builder.dropout(0.2);
    builder.batchNormalisation();
    builder.globalAveragePool();
    builder.dense();
  }),
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
