/**
 * The options that decide the weights. To add one, define it here and use `recipe.key` where it matters; everything else
 * follows (see foundation/options/definition.ts). An option that runs of older versions did not have says in
 * `inOlderFiles` what they did.
 */

import {
  flag,
  integer,
  integers,
  limit,
  number,
  oneOf,
  oneOfSettledAs,
  recipeOptions,
  text,
} from '../../foundation/options/definition.js';
import { WIRE_FORMATS } from '../../foundation/wire/format.js';
import type { RequestsOf, ValuesOf } from '../../foundation/options/definition.js';
import { DATASET_NAMES, VIEW_SETS } from '../../data/index.js';
import { PRESETS_TEXT } from '../../model/index.js';
import { LARGEST_MICRO_BATCH } from '../../protocol/index.js';
import { AUGMENTATION_OPTIONS } from './augmentationOptions.js';
import { DATASET_IN_FOLDER, SETTLED_DATASET } from './datasetName.js';
import { FREEZE_NAMES, NONE, SETTLED_INIT } from './fineTuning.js';
import { defaultMicroBatch, USUAL_MICRO_BATCH } from './microBatch.js';
import { NETWORK_NAME, REQUESTED_NETWORK } from './networkName.js';
import { OPTIMIZER_OPTIONS } from './optimizerOptions.js';
import { READING_OPTIONS } from './readingOptions.js';
import { SCHEDULE_NAMES, SCHEDULES_OVER_ALL_EPOCHS } from './schedules.js';

/** A run may end elsewhere than was planned; the steps before are the same. */
const CHANGEABLE = { kind: 'changeable' } as const;
const MULTISTEP_ONLY = { option: 'schedule', is: ['multistep'] } as const;

export const RECIPE_OPTIONS = recipeOptions({
  dataset: oneOfSettledAs({
    group: 'Data',
    of: [...DATASET_NAMES, 'auto'],
    also: DATASET_IN_FOLDER,
    settledForm: SETTLED_DATASET,
    default: 'auto',
    help: 'training data: cifar10, cifar100, folder:DIR (pictures, one folder a class), idx:DIR (as MNIST), synthetic; auto: CIFAR-10 if it is found or can be downloaded, else synthetic (docs/data.md)',
    example: 'cifar10',
  }),
  ...READING_OPTIONS,
  trainLimit: limit({
    group: 'Data',
    min: 1,
    help: 'limit the number of training samples',
    example: '5000',
  }),
  valSize: integer({
    group: 'Data',
    min: 0,
    default: 5000,
    help: 'training samples held back for validation (of own images at most a tenth, unless given); 0: none, and no early stopping',
  }),
  stratify: flag({
    group: 'Data',
    default: false,
    help: 'give every class its share of the validation samples',
  }),
  model: text({
    group: 'Network',
    placeholder: 'name|file',
    form: REQUESTED_NETWORK,
    settledForm: NETWORK_NAME,
    default: 'resnet20',
    help: `network: ${PRESETS_TEXT}; or a JSON file (docs/networks.md)`,
  }),
  init: text({
    group: 'Network',
    placeholder: 'file',
    settledForm: SETTLED_INIT,
    default: NONE,
    inOlderFiles: NONE,
    help: 'begin with these weights: a run, a checkpoint, or a PyTorch .safetensors file; where the classes differ, the last layer starts anew',
    example: 'runs/first',
  }),
  freeze: text({
    group: 'Network',
    placeholder: 'names',
    form: FREEZE_NAMES,
    default: NONE,
    inOlderFiles: NONE,
    help: 'layers that are not trained, separated by commas; stack1: it and all stack1.…; stack*: all names that begin so',
    example: 'stem,stack1',
  }),
  dropout: number({
    group: 'Regularisation',
    placeholder: 'rate',
    min: 0,
    below: 1,
    default: 0,
    help: 'share of pooled features dropped before the dense layer',
    example: '0.2',
  }),
  epochs: number({
    group: 'Length of the run',
    placeholder: 'n',
    above: 0,
    default: 200,
    help: 'passes over the training samples; a fraction ends the last one after the nearest whole step',
    example: '9.9',
    resume: { kind: 'changeable', unless: { option: 'schedule', is: SCHEDULES_OVER_ALL_EPOCHS } },
  }),
  maxSteps: limit({
    group: 'Length of the run',
    min: 1,
    help: 'stop after this many steps in all; none: no limit, to lift that of a resumed run',
    example: '1000',
    resume: CHANGEABLE,
  }),
  batchSize: integer({
    group: 'Batches',
    min: 1,
    max: 65536,
    default: 128,
    help: 'samples of one step (the global batch)',
  }),
  microBatch: integer({
    group: 'Batches',
    min: 1,
    max: LARGEST_MICRO_BATCH,
    default: USUAL_MICRO_BATCH,
    defaultFrom: ({ batchSize }) => defaultMicroBatch(batchSize as number),
    help: 'samples of one work item, and of one set of batch statistics; if 32 does not divide the batch: its largest divisor below 32, if that is at least 8',
  }),
  dropLast: flag({
    group: 'Batches',
    default: false,
    inOlderFiles: false,
    help: 'leave out the last samples of an epoch if they do not fill a batch',
  }),
  wire: oneOf({
    group: 'Batches',
    placeholder: 'form',
    of: WIRE_FORMATS,
    default: 'float32',
    inOlderFiles: 'float32',
    help: 'form in which gradients travel: bfloat16 takes half the bytes of float32, int8 a quarter; both round weights for workers to bfloat16; threads of this process round alike (docs/scale.md#slow-links)',
    example: 'int8',
  }),
  ...OPTIMIZER_OPTIONS,
  schedule: oneOf({
    group: 'Learning rate',
    of: SCHEDULE_NAMES,
    default: 'multistep',
    help: `learning-rate schedule: ${SCHEDULE_NAMES.join(', ')}`,
    example: 'onecycle',
  }),
  milestones: integers({
    group: 'Learning rate',
    min: 1,
    default: [100, 150],
    help: 'multistep: epochs after which the rate is multiplied by gamma',
    onlyWith: MULTISTEP_ONLY,
  }),
  gamma: number({
    group: 'Learning rate',
    placeholder: 'g',
    above: 0,
    default: 0.1,
    help: 'multistep: factor at each milestone',
    onlyWith: MULTISTEP_ONLY,
  }),
  warmupEpochs: number({
    group: 'Learning rate',
    placeholder: 'n',
    min: 0,
    default: 0,
    help: 'epochs of linearly rising rate at the start; fractions are allowed',
    example: '1',
    belowOption: 'epochs',
  }),
  finalLr: number({
    group: 'Learning rate',
    placeholder: 'rate',
    min: 0,
    default: 0,
    inOlderFiles: 0,
    help: 'cosine, triangular: rate that the schedule falls to at the end of the run',
    example: '0.001',
    onlyWith: { option: 'schedule', is: ['cosine', 'triangular'] },
    belowOption: 'lr',
  }),
  patience: integer({
    group: 'Length of the run',
    min: 0,
    default: 20,
    help: 'stop after this many epochs without a better validation accuracy; 0: never',
    resume: CHANGEABLE,
  }),
  ...AUGMENTATION_OPTIONS,
  labelSmoothing: number({
    group: 'Regularisation',
    placeholder: 'share',
    min: 0,
    below: 1,
    default: 0,
    inOlderFiles: 0,
    help: 'share of each training target spread over all classes',
    example: '0.1',
  }),
  evalStatistics: oneOf({
    group: 'Network',
    placeholder: 'which',
    of: ['running', 'batch'],
    default: 'running',
    help: 'batch normalisation in evaluation: running statistics, or those of the batch alone',
  }),
  tta: oneOf({
    group: 'Network',
    of: VIEW_SETS,
    default: 'none',
    inOlderFiles: 'none',
    help: 'evaluate several views of each image and average: flip: its mirror image; full: and both moved by a pixel',
    example: 'flip',
  }),
  seed: integer({
    group: 'Reproducibility',
    min: 0,
    default: 1,
    help: 'decides the split, the order, the weights: everything',
  }),
});

/** Every option that decides the weights, with its value. */
export type Recipe = ValuesOf<typeof RECIPE_OPTIONS>;

/** A recipe before words such as `--dataset auto` are decided. */
export type RequestedRecipe = RequestsOf<typeof RECIPE_OPTIONS>;
