/**
 * Names that make networks: the residual networks of arXiv:1512.03385 section 4.2, and the variant of the course notebook
 * that Lockstep grew out of.
 *
 * resnetN, N = 6n + 2: a 3x3 convolution to 16 channels; three stacks of n residual blocks (two convolutions each) of 16,
 * 32 and 64 channels, the second and third on maps of half the side; global average pooling; one dense layer.
 * resnetNxK: the same with K times the channels; resnetNb: with projection shortcuts, option B.
 * preresnetN: blocks that begin with batch normalisation and ReLU (arXiv:1603.05027).
 * wrn-N-K, N = 6n + 4: the wide networks of arXiv:1605.07146: such blocks, projections, K times the channels.
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
import { networkFrom } from './networkText.js';
import { ResidualBuilder } from './residualLayers.js';
import type { ShortcutKind } from './residualLayers.js';

const STACKS = [
  { channels: 16, stride: 1 },
  { channels: 32, stride: 2 },
  { channels: 64, stride: 2 },
] as const;
const NOTEBOOK = 'notebook';
const NOTEBOOK_N = 5;
const FAST94 = 'fast94';
const RESNET = /^(pre)?resnet([1-9]\d{0,3})(?:x([1-9]\d{0,4}))?(b)?$/;
const WIDE = /^wrn-([1-9]\d{0,3})-([1-9]\d{0,4})$/;
/** Convolutions of a block in each of three stacks. */
const DEPTH_OF_BLOCKS = 6;

/** What a name says. */
interface ResidualName {
  readonly depth: number;
  readonly width: number;
  readonly stemChannels: number;
  /** The depth is 6n and this. */
  readonly rest: number;
  readonly isPreActivation: boolean;
  readonly shortcutKind: ShortcutKind;
  /** A name of the same kind. */
  readonly named: (depth: number) => string;
}

function parsed(name: string): ResidualName | undefined {
  const [isWide, wideDepth, wideWidth] = WIDE.exec(name) ?? [];
  if (isWide !== undefined) {
    const named = (depth: number): string => `wrn-${depth}-${wideWidth}`;
    const size = { depth: Number(wideDepth), width: Number(wideWidth), stemChannels: 16, rest: 4 };
    return { ...size, isPreActivation: true, shortcutKind: 'projection', named };
  }
  const [isResnet, pre, depth, width = '1', projects] = RESNET.exec(name) ?? [];
  if (isResnet === undefined) return undefined;
  return {
    ...{ depth: Number(depth), width: Number(width), stemChannels: 16 * Number(width), rest: 2 },
    isPreActivation: pre !== undefined,
    shortcutKind: projects === undefined ? 'identity' : 'projection',
    named: (other) => `${pre ?? ''}resnet${other}`,
  };
}

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
  'resnet8, resnet14, resnet20, … (6n + 2); resnet20xK with K times the channels; resnet20b with projections; preresnet20; ' +
  'wrn-16-K (6n + 4); notebook; fast94';

/** Names to suggest for a misspelt one. */
export const COMMON_PRESETS: readonly string[] = [
  ...[8, 14, 20, 32, 44, 56, 110].map((depth) => `resnet${depth}`),
  ...['resnet20x2', 'resnet20x4', 'resnet20b', 'preresnet20', 'wrn-16-4', 'wrn-28-10', NOTEBOOK, FAST94],
];

/** The name of the same network with so many times the channels; undefined if the name has no place for it, or has its width. */
export function withWidth(name: string, width: number): string | undefined {
  const [isNarrow, depth, projects = ''] = /^((?:pre)?resnet\d+)(b)?$/.exec(name) ?? [];
  if (isNarrow === undefined) return undefined;
  return width === 1 ? name : `${depth}x${width}${projects}`;
}

export function isPresetName(name: string): boolean {
  return whyNoPreset(name) === undefined;
}

/** @returns the rule that a name breaks, with a remedy; undefined for the name of a preset */
export function whyNoPreset(name: string): string | undefined {
  if (name === NOTEBOOK || name === FAST94) return undefined;
  const found = parsed(name);
  if (found === undefined) return `one of ${PRESETS_TEXT}`;
  const { depth, rest, named } = found;
  const smallest = DEPTH_OF_BLOCKS + rest;
  if (depth >= smallest && (depth - rest) % DEPTH_OF_BLOCKS === 0) return undefined;
  const below = Math.max(smallest, depth - ((depth - rest) % DEPTH_OF_BLOCKS));
  const near = depth < smallest ? named(below) : `${named(below)} or ${named(below + DEPTH_OF_BLOCKS)}`;
  return `of a depth of 6n + ${rest}, n at least 1, such as ${near}`;
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
  const { blocksPerStack, width, stemChannels, isPreActivation, shortcutKind } = sizeOf(name);
  const builder = new ResidualBuilder(inputShape.channels, shortcutKind);
  let top = isPreActivation
    ? builder.bareStem('stem', stemChannels)
    : name === NOTEBOOK
      ? builder.residualBlock('stem', IMAGES_NAME, stemChannels, 1)
      : builder.stem('stem', stemChannels);
  STACKS.forEach(({ channels, stride }, stack) => {
    for (let block = 0; block < blocksPerStack; block++) {
      const place = [
        `stack${stack + 1}.block${block + 1}`,
        top,
        channels * width,
        block === 0 ? stride : 1,
      ] as const;
      top = isPreActivation ? builder.preActivationBlock(...place) : builder.residualBlock(...place);
    }
  });
  if (isPreActivation) top = builder.activation('last', '', top);
  top = builder.globalAveragePool('pool', top);
  if (dropoutRate > 0) top = builder.dropout('dropout', top, dropoutRate);
  builder.dense('dense', top, classNames.length);
  return { name, inputShape, classNames, layers: builder.layers };
}

/** `resnet20x4`: depth 20 = 6n + 2, so n = 3 blocks a stack, and 4 times the channels. */
function sizeOf(name: string): Pick<
  ResidualName,
  'width' | 'stemChannels' | 'isPreActivation' | 'shortcutKind'
> & {
  readonly blocksPerStack: number;
} {
  const rule = whyNoPreset(name);
  if (rule !== undefined) throw networkFault(JSON.stringify(name), `its name must be ${rule}`);
  if (name === NOTEBOOK) {
    const usual = { isPreActivation: false, shortcutKind: 'identity' } as const;
    return { blocksPerStack: 2 * NOTEBOOK_N, width: 1, stemChannels: 16, ...usual };
  }
  const found = parsed(name)!;
  return { ...found, blocksPerStack: (found.depth - found.rest) / DEPTH_OF_BLOCKS };
}
