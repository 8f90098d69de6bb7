/** Layer lists small enough for finite differences. Each has one kind of layer between others that pass gradients on. */

import { convolvedShape, IMAGES, IMAGES_NAME, networkFrom, pooledShape } from '../../src/model/index.js';
import type {
  ActivationShape,
  ConvolutionLayer,
  LayerEntry,
  Model,
  PoolLayer,
} from '../../src/model/index.js';

const CLASS_COUNT = 3;

interface ConvolutionOptions {
  readonly kernelSize?: ConvolutionLayer['kernelSize'];
  readonly padding?: 'same' | 'valid';
  readonly bias?: boolean;
  readonly frozen?: boolean;
}

/** Appends layers to a list; each method returns the new layer's index, and reads the last layer by default. */
export class TinyModelBuilder {
  private readonly layers: LayerEntry[] = [];
  private readonly shapes: ActivationShape[] = [];

  constructor(private readonly inputShape: ActivationShape) {}

  convolution(
    channels: number,
    stride: 1 | 2 = 1,
    input = this.last(),
    { kernelSize = 3, padding = 'same', bias = false, frozen = false }: ConvolutionOptions = {},
  ): number {
    const shape = convolvedShape(this.shapeOf(input), channels, { kernelSize, stride, padding });
    const more = {
      ...(padding === 'valid' && { padding }),
      ...(bias && { bias }),
      ...(frozen && { frozen: ['weight' as const] }),
    };
    return this.push(
      { kind: 'convolution', ...this.base(input), channels, kernelSize, stride, ...more },
      shape,
    );
  }

  batchNormalisation(
    input = this.last(),
    { epsilon, frozen }: { epsilon?: number; frozen?: 'scale' | 'shift' } = {},
  ): number {
    const more = {
      ...(epsilon !== undefined && { epsilon }),
      ...(frozen !== undefined && { frozen: [frozen] }),
    };
    return this.push({ kind: 'batch-normalisation', ...this.base(input), ...more }, this.shapeOf(input));
  }

  relu(input = this.last()): number {
    return this.push({ kind: 'relu', ...this.base(input) }, this.shapeOf(input));
  }

  activation(kind: 'gelu' | 'silu' | 'celu', input = this.last(), alpha = 0.3): number {
    const base = this.base(input);
    return this.push(kind === 'celu' ? { kind, ...base, alpha } : { kind, ...base }, this.shapeOf(input));
  }

  pool(kind: PoolLayer['kind'], size: number, stride = size, input = this.last()): number {
    const shape = pooledShape(this.shapeOf(input), { size, stride });
    return this.push({ kind, ...this.base(input), size, stride }, shape);
  }

  scale(factor: number, input = this.last()): number {
    return this.push({ kind: 'scale', ...this.base(input), factor }, this.shapeOf(input));
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

  dense(channels = CLASS_COUNT, input = this.last(), hasBias = true): number {
    return this.push(
      { kind: 'dense', ...this.base(input), channels, ...(!hasBias && { bias: false }) },
      { height: 1, width: 1, channels },
    );
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

const WIDER: ActivationShape = { height: 7, width: 8, channels: 3 };

/** `convolution -> what `build` adds -> pooling, dense`: the layers between carry gradients both ways. */
const between = (build: (builder: TinyModelBuilder) => void, shape = WIDER): Model =>
  tinyModel(shape, (builder) => {
    builder.convolution(5);
    build(builder);
    builder.globalAveragePool();
    builder.dense();
  });

/** Pooling by windows, smooth activations, scaled logits, no bias. */
export const MODERN_LAYERS: Readonly<Record<string, Model>> = {
  'max pooling': between((builder) => builder.pool('max-pool', 2)),
  'max pooling of windows that overlap': between((builder) => builder.pool('max-pool', 3, 2)),
  'max pooling that skips pixels': between((builder) => builder.pool('max-pool', 2, 3)),
  'max pooling of whole maps': between((builder) => builder.pool('max-pool', 8), {
    height: 8,
    width: 8,
    channels: 3,
  }),
  'average pooling': between((builder) => builder.pool('average-pool', 2)),
  'average pooling of windows that overlap': between((builder) => builder.pool('average-pool', 3, 1)),
  'a pool and a convolution that read one value': between((builder) => {
    const value = builder.relu();
    builder.convolution(5);
    const left = builder.pool('max-pool', 2);
    builder.add(left, builder.pool('max-pool', 2, 2, value));
  }),
  ...Object.fromEntries(
    (['gelu', 'silu', 'celu'] as const).flatMap((kind) => [
      [`${kind} alone`, between((builder) => builder.activation(kind))],
      [
        `${kind} after batch normalisation`,
        between((builder) => {
          builder.batchNormalisation();
          builder.activation(kind);
          builder.convolution(4);
        }),
      ],
      [
        `${kind} after a sum`,
        between((builder) => {
          builder.pool('max-pool', 2);
          builder.batchNormalisation();
          const skip = builder.activation(kind);
          builder.convolution(5);
          const branch = builder.batchNormalisation();
          builder.activation(kind, builder.add(branch, skip));
          builder.convolution(4);
        }),
      ],
      [
        `${kind} of a sum without batch normalisation`,
        between((builder) => {
          const left = builder.convolution(5);
          const right = builder.convolution(5, 1, left);
          builder.activation(kind, builder.add(left, right));
          builder.convolution(4);
        }),
      ],
    ]),
  ),
  'a dense layer without bias, and scaled logits': tinyModel(SMALL, (builder) => {
    builder.convolution(4);
    builder.globalAveragePool();
    builder.dense(3, undefined, false);
    builder.scale(1 / 9);
  }),
};

/** After a stride of 2, maps still have some pixels. */
const HIGHER: ActivationShape = { height: 9, width: 10, channels: 3 };

const KERNELS = [1, 2, 3].flatMap((kernelSize) =>
  (['same', 'valid'] as const).flatMap((padding) =>
    [1, 2].map((stride) => ({ kernelSize, padding, stride }) as Required<Kernel>),
  ),
);
type Kernel = Pick<ConvolutionLayer, 'kernelSize' | 'padding' | 'stride'>;

/** Convolutions of every size, padding and stride; biases, frozen tensors, projections. */
export const CONVOLUTION_KINDS: Readonly<Record<string, Model>> = {
  ...Object.fromEntries(
    KERNELS.map(({ stride, ...kernel }) => [
      `convolution ${kernel.kernelSize}x${kernel.kernelSize}, ${kernel.padding}, stride ${stride}, with bias`,
      between((builder) => {
        builder.convolution(6, stride, undefined, { ...kernel, bias: true });
        builder.activation('gelu');
        builder.convolution(4, 1, undefined, kernel);
        builder.batchNormalisation();
        builder.relu();
      }, HIGHER),
    ]),
  ),
  'frozen weights of the first layer': tinyModel(WIDER, (builder) => {
    builder.convolution(6, 1, IMAGES, { kernelSize: 2, padding: 'valid', bias: true, frozen: true });
    builder.activation('gelu');
    builder.convolution(4);
    builder.pool('max-pool', 2);
    builder.batchNormalisation(undefined, { epsilon: 1e-12, frozen: 'scale' });
    builder.activation('gelu');
    builder.globalAveragePool();
    builder.dense(3, undefined, false);
    builder.scale(1 / 9);
  }),
  'frozen weights and a frozen shift in between': between((builder) => {
    builder.convolution(6, 1, undefined, { frozen: true });
    builder.batchNormalisation(undefined, { frozen: 'shift' });
    builder.relu();
    builder.convolution(8, 2, undefined, { frozen: true });
  }),
  'a projection shortcut': between((builder) => {
    const input = builder.relu();
    builder.convolution(8, 2);
    builder.batchNormalisation();
    builder.relu();
    builder.convolution(8);
    const branch = builder.batchNormalisation();
    builder.convolution(8, 2, input, { kernelSize: 1 });
    const shortcut = builder.batchNormalisation();
    builder.relu(builder.add(branch, shortcut));
    builder.convolution(4);
  }),
  'pre-activation blocks': between((builder) => {
    let top = 0;
    for (let block = 0; block < 2; block++) {
      builder.batchNormalisation(top);
      builder.relu();
      builder.convolution(5);
      builder.batchNormalisation();
      builder.relu();
      const branch = builder.convolution(5);
      top = builder.add(branch, top);
    }
    builder.batchNormalisation(top);
    builder.relu();
  }),
  'maps that are not whole tiles': between(
    (builder) => {
      builder.batchNormalisation();
      builder.relu();
      builder.convolution(6);
      builder.convolution(6, 2);
      builder.convolution(5);
    },
    { height: 7, width: 6, channels: 3 },
  ),
};
