/**
 * The CIFAR-10 ResNets of arXiv:1512.03385 section 4.2, and the variant of the course notebook that Lockstep grew out
 * of, as layer lists.
 *
 * 6n+2: a 3x3 convolution to 16 channels; three stacks of n residual blocks (two convolutions each) of 16, 32 and 64
 * channels on 32x32, 16x16 and 8x8 maps; global average pooling; one dense layer.
 * resnet20x4: the same with four times the channels (64, 128 and 256), as in arXiv:1605.07146.
 * notebook: the stem is itself a residual block 3 -> 16, and each stack has 2n blocks, n = 5.
 */

import { LockstepError } from '../foundation/errors.js';
import { IMAGES, MODEL_NAMES } from './layers.js';
import type { ActivationShape, Layer, Model, ModelName } from './layers.js';
import { LayoutBuilder } from './layout.js';

const BATCH_NORMALISATION_EPSILON = 1e-5; // PyTorch's BatchNorm2d default
const CLASS_COUNT = 10;
const INPUT_SHAPE: ActivationShape = { height: 32, width: 32, channels: 3 };
const STACKS = [
  { channels: 16, stride: 1 },
  { channels: 32, stride: 2 },
  { channels: 64, stride: 2 },
] as const;
const NOTEBOOK_N = 5;

export function isModelName(name: string): name is ModelName {
  return (MODEL_NAMES as readonly string[]).includes(name);
}

/**
 * Builds the layer list and parameter layout of a named model.
 * @param dropoutRate probability in [0, 1) of dropping a pooled feature before the dense layer; 0 adds no layer.
 * @throws LockstepError E_OPTION for a rate outside [0, 1).
 */
export function buildModel(name: ModelName, dropoutRate = 0): Model {
  if (!(dropoutRate >= 0 && dropoutRate < 1)) {
    throw new LockstepError(
      'E_OPTION',
      `dropout ${dropoutRate} must be at least 0 and below 1; use --dropout 0.5`,
    );
  }
  const builder = new NetworkBuilder();
  let top: number;
  const { blocksPerStack, width } = sizeOf(name);
  if (name === 'notebook') {
    top = builder.residualBlock('stem', IMAGES, 16, 1);
  } else {
    top = builder.convolutionAndNormalisation('stem', '', IMAGES, 16 * width, 1);
    top = builder.relu('stem.relu', top);
  }
  STACKS.forEach(({ channels, stride }, stack) => {
    for (let block = 0; block < blocksPerStack; block++) {
      const blockName = `stack${stack + 1}.block${block + 1}`;
      top = builder.residualBlock(blockName, top, channels * width, block === 0 ? stride : 1);
    }
  });
  top = builder.globalAveragePool('pool', top);
  if (dropoutRate > 0) top = builder.dropout('dropout', top, dropoutRate);
  builder.dense('dense', top, CLASS_COUNT);
  return {
    name,
    dropoutRate,
    inputShape: INPUT_SHAPE,
    classCount: CLASS_COUNT,
    layers: builder.layers,
    layout: builder.layout.build(),
  };
}

/** `resnet20x4`: depth 20 = 6n + 2, so n = 3 blocks a stack, and 4 times the channels. */
function sizeOf(name: ModelName): { blocksPerStack: number; width: number } {
  if (name === 'notebook') return { blocksPerStack: 2 * NOTEBOOK_N, width: 1 };
  const [depth, width = 1] = name.slice('resnet'.length).split('x').map(Number);
  return { blocksPerStack: (depth! - 2) / 6, width };
}

/** Appends layers and reserves their tensors; each method returns the new layer's index. */
class NetworkBuilder {
  readonly layers: Layer[] = [];
  readonly layout = new LayoutBuilder();

  /** y = relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)). */
  residualBlock(name: string, input: number, channels: number, stride: 1 | 2): number {
    let branch = this.convolutionAndNormalisation(name, '1', input, channels, stride);
    branch = this.relu(`${name}.relu1`, branch);
    branch = this.convolutionAndNormalisation(name, '2', branch, channels, 1);
    const shortcut = this.shortcut(`${name}.shortcut`, input, channels, stride);
    return this.relu(`${name}.relu2`, this.add(`${name}.add`, branch, shortcut));
  }

  convolutionAndNormalisation(
    name: string,
    suffix: string,
    input: number,
    channels: number,
    stride: 1 | 2,
  ): number {
    return this.batchNormalisation(
      `${name}.norm${suffix}`,
      this.convolution(`${name}.conv${suffix}`, input, channels, stride),
    );
  }

  relu(name: string, input: number): number {
    const shape = this.shapeOf(input);
    return this.push({ kind: 'relu', name, input, inputShape: shape, outputShape: shape });
  }

  globalAveragePool(name: string, input: number): number {
    const inputShape = this.shapeOf(input);
    const outputShape = { height: 1, width: 1, channels: inputShape.channels };
    return this.push({ kind: 'global-average-pool', name, input, inputShape, outputShape });
  }

  dropout(name: string, input: number, rate: number): number {
    const shape = this.shapeOf(input);
    return this.push({ kind: 'dropout', name, input, inputShape: shape, outputShape: shape, rate });
  }

  dense(name: string, input: number, channels: number): number {
    const inputShape = this.shapeOf(input);
    return this.push({
      kind: 'dense',
      name,
      input,
      inputShape,
      outputShape: { height: 1, width: 1, channels },
      weight: this.layout.parameter(`${name}.weight`, [inputShape.channels, channels]),
      bias: this.layout.parameter(`${name}.bias`, [channels]),
    });
  }

  private convolution(name: string, input: number, channels: number, stride: 1 | 2): number {
    const inputShape = this.shapeOf(input);
    return this.push({
      kind: 'convolution',
      name,
      input,
      inputShape,
      outputShape: strided(inputShape, channels, stride),
      kernelSize: 3,
      stride,
      weight: this.layout.parameter(`${name}.weight`, [3, 3, inputShape.channels, channels]),
    });
  }

  private batchNormalisation(name: string, input: number): number {
    const shape = this.shapeOf(input);
    return this.push({
      kind: 'batch-normalisation',
      name,
      input,
      inputShape: shape,
      outputShape: shape,
      epsilon: BATCH_NORMALISATION_EPSILON,
      scale: this.layout.parameter(`${name}.scale`, [shape.channels]),
      shift: this.layout.parameter(`${name}.shift`, [shape.channels]),
      runningMean: this.layout.statistic(`${name}.runningMean`, [shape.channels]),
      runningVariance: this.layout.statistic(`${name}.runningVariance`, [shape.channels]),
    });
  }

  private shortcut(name: string, input: number, channels: number, stride: 1 | 2): number {
    const inputShape = this.shapeOf(input);
    if (stride === 1 && inputShape.channels === channels) return input;
    const outputShape = strided(inputShape, channels, stride);
    return this.push({ kind: 'shortcut', name, input, inputShape, outputShape, stride });
  }

  private add(name: string, input: number, other: number): number {
    const shape = this.shapeOf(input);
    return this.push({ kind: 'add', name, input, other, inputShape: shape, outputShape: shape });
  }

  private push(layer: Layer): number {
    this.layers.push(layer);
    return this.layers.length - 1;
  }

  private shapeOf(index: number): ActivationShape {
    return index === IMAGES ? INPUT_SHAPE : this.layers[index]!.outputShape;
  }
}

/** Output shape of a 3x3 window with padding 1, and of the strided shortcut beside it. */
function strided(input: ActivationShape, channels: number, stride: 1 | 2): ActivationShape {
  return { height: Math.ceil(input.height / stride), width: Math.ceil(input.width / stride), channels };
}
