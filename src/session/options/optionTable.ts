/**
 * Every option that can also stand in a config file, in one table: flag, key, kind, default, help. The parser, the
 * help text, the config file and the checks all read it.
 */

import { ENGINE_NAMES, NUMERICS, PRECISIONS } from '../../engine/index.js';
import { DEFAULT_MAX_NODES, SCHEDULE_NAMES } from '../../coordinator/index.js';
import { MODEL_NAMES } from '../../model/index.js';
import { defaultThreads } from '../../worker/index.js';
import {
  DEFAULT_HEARTBEAT_TIMEOUT_MS,
  LARGEST_CROP_PADDING,
  LARGEST_MICRO_BATCH,
  SHORTEST_HEARTBEAT_TIMEOUT_MS,
} from '../../protocol/index.js';
import { USUAL_MICRO_BATCH } from './microBatch.js';
import type { OptionValue, ValueKind } from './values.js';

export interface OptionEntry {
  /** Name in config files and config.json: the flag in camel case. */
  readonly key: string;
  /** `--flag <value>`, as commander takes it. */
  readonly flags: string;
  readonly kind: ValueKind;
  /** Undefined: no value unless given. */
  readonly default: OptionValue | undefined;
  /** In the words of the help, where the value alone would not say it. */
  readonly defaultText?: string;
  readonly help: string;
  readonly example: string;
  /** Decides the weights: a resumed run keeps it. */
  readonly recipe: boolean;
}

const ENGINE_CHOICES = ['auto', ...ENGINE_NAMES] as const;

const recipe = (
  key: string,
  flags: string,
  kind: ValueKind,
  defaultValue: OptionValue | undefined,
  help: string,
  example: string,
): OptionEntry => ({ key, flags, kind, default: defaultValue, help, example, recipe: true });

const setting = (
  key: string,
  flags: string,
  kind: ValueKind,
  defaultValue: OptionValue | undefined,
  help: string,
  example: string,
  defaultText?: string,
): OptionEntry => ({
  key,
  flags,
  kind,
  default: defaultValue,
  help,
  example,
  recipe: false,
  ...(defaultText === undefined ? {} : { defaultText }),
});

export const GPUS_HELP =
  'one worker process for each NVIDIA GPU: all, a number of them, or indices such as 0,1';

/** Of every command that computes on engines of the user's choice. */
export const ENGINE_OPTIONS: readonly OptionEntry[] = [
  setting(
    'engine',
    '--engine <name>',
    { kind: 'choice', of: ENGINE_CHOICES },
    'auto',
    `what does the arithmetic: ${ENGINE_CHOICES.join(', ')}`,
    'auto',
  ),
  setting(
    'numerics',
    '--numerics <class>',
    { kind: 'choice', of: NUMERICS },
    'auto',
    'simd: compute without fused multiply-add, to match hosts that have none',
    'auto',
  ),
  setting(
    'device',
    '--device <name>',
    { kind: 'text' },
    undefined,
    'GPU for --engine webgpu: index or name, as the command "engines" lists them',
    '0',
  ),
  setting(
    'tune',
    '--no-tune',
    { kind: 'switch' },
    true,
    'do not measure, at first, which kernels of --engine webgpu suit the GPU',
    'false',
  ),
  setting(
    'precision',
    '--precision <type>',
    { kind: 'choice', of: PRECISIONS },
    'f32',
    'operands of convolutions in --engine webgpu; f16: faster on tensor cores, less exact',
    'f32',
  ),
];

export const TRAINING_OPTIONS: readonly OptionEntry[] = [
  recipe(
    'dataset',
    '--dataset <name>',
    { kind: 'choice', of: ['cifar10', 'synthetic', 'auto'] },
    'auto',
    'training data; auto: CIFAR-10 where it lies or can be fetched, else synthetic',
    'cifar10',
  ),
  setting(
    'dataDir',
    '--data-dir <dir>',
    { kind: 'text' },
    'data',
    'folder that holds or gets CIFAR-10 (env LOCKSTEP_DATA_DIR)',
    'data',
  ),
  recipe(
    'trainLimit',
    '--train-limit <n>',
    { kind: 'integer', min: 1 },
    undefined,
    'use only so many training samples',
    '5000',
  ),
  recipe(
    'valSize',
    '--val-size <n>',
    { kind: 'integer', min: 0 },
    5000,
    'training samples held back for validation; 0: none, and no early stopping',
    '5000',
  ),
  recipe(
    'stratify',
    '--stratify',
    { kind: 'switch' },
    false,
    'give every class its share of the validation samples',
    'true',
  ),
  recipe(
    'model',
    '--model <name>',
    { kind: 'choice', of: MODEL_NAMES },
    'resnet20',
    `network: ${MODEL_NAMES.join(', ')}`,
    'resnet20',
  ),
  recipe(
    'dropout',
    '--dropout <rate>',
    { kind: 'number', min: 0, below: 1 },
    0,
    'share of pooled features dropped before the dense layer',
    '0.2',
  ),
  recipe(
    'epochs',
    '--epochs <n>',
    { kind: 'integer', min: 1 },
    200,
    'passes over the training samples',
    '200',
  ),
  recipe(
    'maxSteps',
    '--max-steps <n>',
    { kind: 'integer', min: 1, orNone: true },
    undefined,
    'stop after so many steps in all; none: no limit, as for a resumed run that had one',
    '1000',
  ),
  recipe(
    'batchSize',
    '--batch-size <n>',
    { kind: 'integer', min: 1, max: 65536 },
    128,
    'samples of one step (the global batch)',
    '128',
  ),
  recipe(
    'microBatch',
    '--micro-batch <n>',
    { kind: 'integer', min: 1, max: LARGEST_MICRO_BATCH },
    USUAL_MICRO_BATCH,
    'samples of one work item, and of one set of batch statistics; if 32 does not divide the batch, its largest divisor up to 32',
    '32',
  ),
  recipe(
    'lr',
    '--lr <rate>',
    { kind: 'number', above: 0 },
    0.1,
    'learning rate; the peak of onecycle',
    '0.1',
  ),
  recipe('momentum', '--momentum <m>', { kind: 'number', min: 0, below: 1 }, 0.9, 'SGD momentum', '0.9'),
  recipe('nesterov', '--nesterov', { kind: 'switch' }, false, 'Nesterov momentum', 'true'),
  recipe(
    'weightDecay',
    '--weight-decay <wd>',
    { kind: 'number', min: 0 },
    1e-4,
    'L2 penalty on every parameter',
    '1e-4',
  ),
  recipe(
    'schedule',
    '--schedule <name>',
    { kind: 'choice', of: SCHEDULE_NAMES },
    'multistep',
    `learning-rate schedule: ${SCHEDULE_NAMES.join(', ')}`,
    'onecycle',
  ),
  recipe(
    'milestones',
    '--milestones <list>',
    { kind: 'integers', min: 1 },
    [100, 150],
    'multistep: epochs after which the rate is multiplied by gamma',
    '100,150',
  ),
  recipe(
    'gamma',
    '--gamma <g>',
    { kind: 'number', above: 0 },
    0.1,
    'multistep: factor at each milestone',
    '0.1',
  ),
  recipe(
    'warmupEpochs',
    '--warmup-epochs <n>',
    { kind: 'number', min: 0 },
    0,
    'epochs of linearly rising rate at the start',
    '1',
  ),
  recipe(
    'patience',
    '--patience <n>',
    { kind: 'integer', min: 0 },
    20,
    'epochs without a better validation accuracy before stopping; 0: never stop early',
    '20',
  ),
  recipe(
    'augment',
    '--no-augment',
    { kind: 'switch' },
    true,
    'train without random crops and flips',
    'false',
  ),
  recipe(
    'cropPadding',
    '--crop-padding <pixels>',
    { kind: 'integer', min: 0, max: LARGEST_CROP_PADDING },
    4,
    'width of the border from which random crops may take; 0: flips only',
    '2',
  ),
  recipe(
    'labelSmoothing',
    '--label-smoothing <share>',
    { kind: 'number', min: 0, below: 1 },
    0,
    'share of each training target spread over all classes',
    '0.1',
  ),
  recipe(
    'evalStatistics',
    '--eval-statistics <which>',
    { kind: 'choice', of: ['running', 'batch'] },
    'running',
    'batch normalisation in evaluation: running statistics, or those of the batch alone',
    'running',
  ),
  recipe(
    'seed',
    '--seed <n>',
    { kind: 'integer', min: 0 },
    1,
    'decides the split, the order, the weights: everything',
    '1',
  ),
  ...ENGINE_OPTIONS,
  setting(
    'checkpointEvery',
    '--checkpoint-every <steps>',
    { kind: 'integer', min: 1 },
    100,
    'steps between checkpoints; one is also written after each epoch',
    '100',
  ),
];

/** What `train` and `coordinator` do with a run; besides these, `--resume` and `--config`, which no file can hold. */
const RUN_OPTIONS: readonly OptionEntry[] = [
  setting(
    'runDir',
    '--run-dir <dir>',
    { kind: 'text' },
    undefined,
    'folder of this run, new or empty (default: runs/<time>-<model>-seed<seed>)',
    'runs/first',
  ),
  setting(
    'test',
    '--test',
    { kind: 'switch' },
    false,
    'evaluate the test set once, with the final weights',
    'true',
  ),
  setting('json', '--json', { kind: 'switch' }, false, 'print machine-readable lines only', 'true'),
];

/** Of both ends of a connection; each looks after itself. */
export const HEARTBEAT_OPTIONS: readonly OptionEntry[] = [
  setting(
    'heartbeatTimeout',
    '--heartbeat-timeout <seconds>',
    { kind: 'number', min: SHORTEST_HEARTBEAT_TIMEOUT_MS / 1000, below: 1e6 },
    DEFAULT_HEARTBEAT_TIMEOUT_MS / 1000,
    'give up the other side when nothing is heard of it for so long',
    '10',
  ),
];

/** Of the coordinator alone. */
export const DOOR_OPTIONS: readonly OptionEntry[] = [
  setting(
    'listen',
    '--listen <host:port>',
    { kind: 'address' },
    '127.0.0.1:7070',
    'address to listen on',
    '127.0.0.1:7070',
  ),
  setting(
    'advertise',
    '--advertise <host[:port]>',
    { kind: 'advertised' },
    undefined,
    'name by which workers reach this machine, for the command to paste (default: a name in the certificate)',
    'trainer.example',
  ),
  setting(
    'tlsCert',
    '--tls-cert <file>',
    { kind: 'text' },
    undefined,
    'certificate chain (PEM): listen with TLS, for wss:// URLs',
    'cert.pem',
  ),
  setting('tlsKey', '--tls-key <file>', { kind: 'text' }, undefined, 'its private key (PEM)', 'key.pem'),
  setting(
    'insecure',
    '--insecure',
    { kind: 'switch' },
    false,
    'listen beyond loopback without TLS, in a network you trust',
    'true',
  ),
  setting(
    'maxNodes',
    '--max-nodes <n>',
    { kind: 'integer', min: 1, max: 16384 },
    DEFAULT_MAX_NODES,
    'nodes (processes) that may be attached at the same time',
    '512',
  ),
  setting(
    'minWorkers',
    '--min-workers <n>',
    { kind: 'integer', min: 1 },
    1,
    'begin when so many workers (threads) are attached',
    '1',
  ),
  setting(
    'waitTimeout',
    '--wait-timeout <seconds>',
    { kind: 'number', above: 0, below: 1e6 },
    300,
    'give up, after saving, when no worker is attached for so long',
    '300',
  ),
  ...HEARTBEAT_OPTIONS,
];

const TRAIN_WORKERS_OPTION: OptionEntry = setting(
  'workers',
  '--workers <n>',
  { kind: 'integer', min: 1, max: 1024 },
  defaultThreads(),
  'worker threads of this process',
  '2',
  'the cores',
);

const COORDINATOR_WORKERS_OPTION: OptionEntry = setting(
  'workers',
  '--workers <n>',
  { kind: 'integer', min: 0, max: 1024 },
  0,
  'worker threads of this process, besides the nodes that attach',
  '2',
);

const GPUS_OPTION: OptionEntry = setting(
  'gpus',
  '--gpus <which>',
  { kind: 'text' },
  undefined,
  GPUS_HELP,
  'all',
);

export const TRAIN_OPTIONS: readonly OptionEntry[] = [
  ...TRAINING_OPTIONS,
  TRAIN_WORKERS_OPTION,
  GPUS_OPTION,
  ...RUN_OPTIONS,
];
export const COORDINATOR_OPTIONS: readonly OptionEntry[] = [
  ...TRAINING_OPTIONS,
  COORDINATOR_WORKERS_OPTION,
  ...RUN_OPTIONS,
  ...DOOR_OPTIONS,
];

/** Every option of a run, by its widest bounds. */
export const RUN_FLAGS: readonly OptionEntry[] = [
  ...TRAINING_OPTIONS,
  COORDINATOR_WORKERS_OPTION,
  ...RUN_OPTIONS,
  ...DOOR_OPTIONS,
];

/** The flag alone: `--lr` of `--lr <rate>`. */
export function flagOf({ flags }: OptionEntry): string {
  return flags.split(' ')[0]!;
}

/** The flag of an option by its name in config files: `--micro-batch` of `microBatch`. */
export function flagOfKey(key: string): string {
  const entry = [...TRAIN_OPTIONS, ...COORDINATOR_OPTIONS].find((each) => each.key === key);
  return entry ? flagOf(entry) : key;
}
