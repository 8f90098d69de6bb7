/**
 * Names that make networks: the residual networks of arXiv:1512.03385 section 4.2, and the variant of the course notebook
 * that Lockstep grew out of.
 *
 * resnetN, N = 6n + 2: a 3x3 convolution to 16 channels; three stacks of n residual blocks (two convolutions each) of 16,
 * 32 and 64 channels, the second and third on maps of half the side; global average pooling; one dense layer.
 * resnetNxK: the same with K times the channels, as in arXiv:1605.07146.
 * notebook: the stem is itself a residual block, and each stack has 2n blocks, n = 5.
 * fast94: see fast94.ts.
 */

import { OptionError, use } from '../foundation/options/optionError.js';
import { fast94Layers } from './fast94.js';
import type { ActivationShape } from './layers.js';
import { IMAGES_NAME } from './model.js';
import type { Model, NetworkEntry } from './model.js';
import { networkFault } from './network.js';
import { numberedClass } from './numberedClass.js';
import { NetworkBuilder } from './networkBuilder.js';
import { networkFrom } from './networkText.js';

const STACKS = [
  { channels: 16, stride: 1 },
  { channels: 32, stride: 2 },
  { channels: 64, stride: 2 },
] as const;
const NOTEBOOK = 'notebook';
const NOTEBOOK_N = 5;
const FAST94 = 'fast94';
const RESNET = /^resnet([1-9]\d{0,3})(?:x([1-9]\d{0,4}))?$/;
const SMALLEST_DEPTH = 8;

/** The data set's image shape and classes. */
export interface NetworkPurpose {
  readonly inputShape: ActivationShape;
  readonly classNames: readonly string[];
}

/** Where no data set says otherwise: the shape and number of classes of CIFAR-10, which the networks were made for. */
export const USUAL_PURPOSE: NetworkPurpose = {
  inputShape: { height: 32, width: 32, channels: 3 },
  classNames: Array.from({ length: 10 }, (_, label) => numberedClass(label)),
};

/** In words, for help and messages. */
export const PRESETS_TEXT =
  'resnet8, resnet14, resnet20, … (6n + 2); resnet20xK with K times the channels; notebook; fast94';

/** Names to suggest for a misspelt one. */
export const COMMON_PRESETS: readonly string[] = [
  ...[8, 14, 20, 32, 44, 56, 110].map((depth) => `resnet${depth}`),
  ...['resnet20x2', 'resnet20x4', NOTEBOOK, FAST94],
];

export function isPresetName(name: string): boolean {
  return whyNoPreset(name) === undefined;
}

/** @returns the rule that a name breaks, with a remedy; undefined for the name of a preset */
export function whyNoPreset(name: string): string | undefined {
  if (name === NOTEBOOK || name === FAST94) return undefined;
  const [, digits] = RESNET.exec(name) ?? [];
  if (digits === undefined) return `one of ${PRESETS_TEXT}`;
  const depth = Number(digits);
  if (depth >= SMALLEST_DEPTH && (depth - 2) % 6 === 0) return undefined;
  const below = Math.max(SMALLEST_DEPTH, depth - ((depth - 2) % 6));
  const near = depth < SMALLEST_DEPTH ? `resnet${below}` : `resnet${below} or resnet${below + 6}`;
  return `of a depth of 6n + 2, n at least 1, such as ${near}`;
}

/**
 * Makes the network of a name.
 * @param dropoutRate probability in [0, 1) of dropping a pooled feature before the dense layer; 0 adds no layer.
 * @throws LockstepError E_MODEL for a name that makes none, or a network that is too large, E_OPTION for a rate outside [0, 1).
 */
export function buildModel(name: string, dropoutRate = 0, purpose: NetworkPurpose = USUAL_PURPOSE): Model {
  if (!(dropoutRate >= 0 && dropoutRate < 1)) {
    throw new OptionError(
      [{ option: 'dropout', value: dropoutRate }, ' must be at least 0 and below 1'],
      [use('dropout', 0.5)],
    );
  }
  const entry = name === FAST94 ? fast94Entry : residualEntry;
  return networkFrom(entry(name, dropoutRate, purpose), name);
}

function fast94Entry(
  name: string,
  dropoutRate: number,
  { inputShape, classNames }: NetworkPurpose,
): NetworkEntry {
  const layers = fast94Layers({ inputShape, classCount: classNames.length, dropoutRate });
  return { name, inputShape, classNames, layers };
}

function residualEntry(
  name: string,
  dropoutRate: number,
  { inputShape, classNames }: NetworkPurpose,
): NetworkEntry {
  const { blocksPerStack, width } = sizeOf(name);
  const builder = new ResidualBuilder(inputShape.channels);
  let top =
    name === NOTEBOOK ? builder.residualBlock('stem', IMAGES_NAME, 16, 1) : builder.stem('stem', 16 * width);
  STACKS.forEach(({ channels, stride }, stack) => {
    for (let block = 0; block < blocksPerStack; block++) {
      const blockName = `stack${stack + 1}.block${block + 1}`;
      top = builder.residualBlock(blockName, top, channels * width, block === 0 ? stride : 1);
    }
  });
  top = builder.globalAveragePool('pool', top);
  if (dropoutRate > 0) top = builder.dropout('dropout', top, dropoutRate);
  builder.dense('dense', top, classNames.length);
  return { name, inputShape, classNames, layers: builder.layers };
}

/** `resnet20x4`: depth 20 = 6n + 2, so n = 3 blocks a stack, and 4 times the channels. */
function sizeOf(name: string): { readonly blocksPerStack: number; readonly width: number } {
  const rule = whyNoPreset(name);
  if (rule !== undefined) throw networkFault(JSON.stringify(name), `its name must be ${rule}`);
  if (name === NOTEBOOK) return { blocksPerStack: 2 * NOTEBOOK_N, width: 1 };
  const [, depth, width = '1'] = RESNET.exec(name)!;
  return { blocksPerStack: (Number(depth) - 2) / 6, width: Number(width) };
}

class ResidualBuilder extends NetworkBuilder {
  /** @param channels of the top layer, at first of the images */
  constructor(private channels: number) {
    super();
  }

  stem(name: string, channels: number): string {
    const top = this.convolutionAndNormalisation(name, '', IMAGES_NAME, channels, 1);
    this.channels = channels;
    return this.relu(`${name}.relu`, top);
  }

  /** y = relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)). */
  residualBlock(name: string, input: string, channels: number, stride: 1 | 2): string {
    let branch = this.convolutionAndNormalisation(name, '1', input, channels, stride);
    branch = this.relu(`${name}.relu1`, branch);
    branch = this.convolutionAndNormalisation(name, '2', branch, channels, 1);
    const isSameShape = stride === 1 && this.channels === channels;
    const short = isSameShape ? input : this.shortcut(`${name}.shortcut`, input, channels, stride);
    this.channels = channels;
    return this.relu(`${name}.relu2`, this.add(`${name}.add`, branch, short));
  }

  private convolutionAndNormalisation(
    name: string,
    suffix: string,
    input: string,
    channels: number,
    stride: 1 | 2,
  ): string {
    const convolved = this.convolution(`${name}.conv${suffix}`, input, channels, stride);
    return this.batchNormalisation(`${name}.norm${suffix}`, convolved);
  }
}
