/**
 * The options that do not decide the weights: how a run is computed, saved, shown and reached. To add one, define it here
 * and read it where it is used; everything else follows (see foundation/options/definition.ts).
 */

import { DEFAULT_MAX_NODES, RECIPE_PRESET_NAME, RECIPE_PRESETS } from '../../coordinator/index.js';
import { ENGINE_NAMES, NUMERICS, PRECISIONS } from '../../engine/index.js';
import { flag, integer, limit, oneOf, seconds, text } from '../../foundation/options/definition.js';
import type { OptionDefinition, ValuesOf } from '../../foundation/options/definition.js';
import { DEFAULT_HEARTBEAT_TIMEOUT_MS, SHORTEST_HEARTBEAT_TIMEOUT_MS } from '../../protocol/index.js';
import { defaultThreads } from '../../worker/index.js';
import { ADDRESS, ADVERTISED, SERVICE_URL } from './values.js';

/** Of one session only: a resumed run does not remember it. */
const NOT_REMEMBERED = { kind: 'notRemembered' } as const;
const LONGEST_SECONDS = 1e6;

const ENGINE_CHOICES = ['auto', ...ENGINE_NAMES] as const;

export const ENGINE_SETTINGS = {
  engine: oneOf({
    group: 'Engine',
    of: ENGINE_CHOICES,
    default: 'auto',
    help: `what computes the gradients: ${ENGINE_CHOICES.join(', ')}`,
    bits: 'numerics class',
  }),
  numerics: oneOf({
    group: 'Engine',
    placeholder: 'class',
    of: NUMERICS,
    default: 'auto',
    help: 'simd: compute without fused multiply-add, to match hosts that have none',
    bits: 'numerics class',
    partOf: 'engine',
  }),
  device: text<string | undefined>({
    group: 'Engine',
    placeholder: 'name',
    default: undefined,
    help: 'GPU for engine webgpu: index or name, as the command "engines" lists them',
    example: '0',
    bits: 'numerics class',
    partOf: 'engine',
  }),
  tune: flag({
    group: 'Engine',
    default: true,
    help: 'do not measure, at first, which kernels of engine webgpu suit the GPU',
    bits: 'numerics class',
    partOf: 'engine',
  }),
  precision: oneOf({
    group: 'Engine',
    placeholder: 'type',
    of: PRECISIONS,
    default: 'f32',
    help: 'operands of convolutions in engine webgpu; f16: faster on tensor cores, less exact',
    bits: 'numerics class',
    partOf: 'engine',
  }),
};

/** The folder of CIFAR-10, whatever a command does with it. */
export const dataDirSetting = (help: string): OptionDefinition<string, string> =>
  text({
    group: 'Data',
    placeholder: 'dir',
    default: 'data',
    help,
    isPath: true,
    environment: 'LOCKSTEP_DATA_DIR',
  });

function nameSetting(byDefault: string, help: string): OptionDefinition<string, string> {
  return text({ group: 'Run', placeholder: 'name', default: byDefault, help });
}

/** What a run keeps from one session to the next, besides its recipe. */
export const RUN_SETTINGS = {
  dataDir: dataDirSetting('folder that holds the data, or gets CIFAR-10'),
  ...ENGINE_SETTINGS,
  checkpointEvery: integer({
    group: 'Run',
    placeholder: 'steps',
    min: 1,
    default: 100,
    help: 'steps between checkpoints; one is also written after each epoch',
  }),
  tensorboard: flag({
    group: 'Run',
    default: true,
    help: 'write no TensorBoard event files into the run folder',
  }),
  mlflow: text<string | undefined>({
    group: 'Run',
    placeholder: 'url',
    form: SERVICE_URL,
    default: undefined,
    help: 'send the curves to this MLflow server (secrets: env MLFLOW_TRACKING_TOKEN, or _USERNAME and _PASSWORD)',
    example: 'http://127.0.0.1:5000',
  }),
  mlflowExperiment: nameSetting(
    'lockstep',
    'experiment of the MLflow server that the run belongs to; made if there is none',
  ),
  clearml: text<string | undefined>({
    group: 'Run',
    placeholder: 'url',
    form: SERVICE_URL,
    default: undefined,
    help: 'send the curves to this ClearML API server (secrets: env CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY)',
    example: 'https://api.clear.ml',
  }),
  clearmlProject: nameSetting(
    'Lockstep',
    'project of the ClearML server that the run belongs to; made if there is none',
  ),
};
export type RunSettings = ValuesOf<typeof RUN_SETTINGS>;

export const jsonSetting = (help: string): OptionDefinition<boolean, boolean> =>
  flag({ group: 'Run', default: false, help, resume: NOT_REMEMBERED });

/** What `train` and `coordinator` do with a run; besides these, the run to resume and the config file, which no file can hold. */
export const SESSION_SETTINGS = {
  width: limit({
    group: 'Network',
    min: 1,
    max: 9999,
    help: 'resnetN: so many times the channels; resnet20 of width 4 is resnet20x4',
    example: '4',
    bits: 'the options it stands for',
    resume: NOT_REMEMBERED,
  }),
  recipe: text<string | undefined>({
    group: 'Run',
    placeholder: 'name',
    form: RECIPE_PRESET_NAME,
    default: undefined,
    help: `begin with the options of a known recipe: ${RECIPE_PRESETS.map(({ name }) => name).join(', ')} (docs/recipes.md); flags and a config file win`,
    example: 'modern',
    bits: 'the options it stands for',
    resume: NOT_REMEMBERED,
  }),
  runDir: text<string | undefined>({
    group: 'Run',
    placeholder: 'dir',
    default: undefined,
    help: 'folder of this run, new or empty (default: runs/<time>-<model>-seed<seed>)',
    example: 'runs/first',
    resume: NOT_REMEMBERED,
  }),
  test: flag({ group: 'Run', default: false, help: 'evaluate the test set once, with the final weights' }),
  json: jsonSetting('print machine-readable lines only'),
};

/** Of both ends of a connection; each end has its own. */
export const HEARTBEAT_SETTINGS = {
  heartbeatTimeout: seconds({
    group: 'Connection',
    min: SHORTEST_HEARTBEAT_TIMEOUT_MS / 1000,
    below: LONGEST_SECONDS,
    default: DEFAULT_HEARTBEAT_TIMEOUT_MS / 1000,
    help: 'disconnect after this long without a sign of life',
  }),
};

/** Of the coordinator alone. */
export const DOOR_SETTINGS = {
  listen: text({
    group: 'Connection',
    placeholder: 'host:port',
    form: ADDRESS,
    default: '127.0.0.1:7070',
    help: 'address to listen on',
  }),
  advertise: text<string | undefined>({
    group: 'Connection',
    placeholder: 'host[:port]',
    form: ADVERTISED,
    default: undefined,
    help: 'name by which workers reach this machine, for the command to paste (default: a name in the certificate)',
    example: 'trainer.example',
  }),
  tlsCert: text<string | undefined>({
    group: 'Connection',
    placeholder: 'file',
    default: undefined,
    help: 'certificate chain (PEM): listen with TLS, for wss:// URLs',
    example: 'cert.pem',
    isPath: true,
    replaces: ['insecure'],
  }),
  tlsKey: text<string | undefined>({
    group: 'Connection',
    placeholder: 'file',
    default: undefined,
    help: 'its private key (PEM)',
    example: 'key.pem',
    isPath: true,
    replaces: ['insecure'],
  }),
  insecure: flag({
    group: 'Connection',
    default: false,
    help: 'listen beyond loopback without TLS, in a network you trust',
    replaces: ['tlsCert', 'tlsKey'],
  }),
  maxNodes: integer({
    group: 'Connection',
    min: 1,
    max: 16384,
    default: DEFAULT_MAX_NODES,
    help: 'nodes (processes) that may be attached at the same time',
  }),
  minWorkers: integer({
    group: 'Connection',
    min: 1,
    default: 1,
    help: 'begin when this many workers (threads) are attached',
  }),
  waitTimeout: seconds({
    group: 'Connection',
    above: 0,
    below: LONGEST_SECONDS,
    default: 300,
    help: 'save and give up after this long without a worker',
  }),
  ...HEARTBEAT_SETTINGS,
};

const MOST_THREADS = 1024;

/** Threads of a process that computes on its own. */
export const threadsSetting = (help: string): OptionDefinition<number, number> =>
  integer({
    group: 'Engine',
    min: 1,
    max: MOST_THREADS,
    default: defaultThreads(),
    defaultText: 'the cores',
    help,
    example: '2',
  });

export const TRAIN_WORKERS = {
  workers: { ...threadsSetting('worker threads of this process'), resume: NOT_REMEMBERED },
};

export const COORDINATOR_WORKERS = {
  workers: integer({
    group: 'Engine',
    min: 0,
    max: MOST_THREADS,
    default: 0,
    help: 'worker threads of this process, besides the nodes that attach',
    example: '2',
  }),
};

/** Of each process that a scheduler starts (`launch`). */
export const LAUNCH_WORKERS = {
  workers: integer({
    group: 'Engine',
    min: 0,
    max: MOST_THREADS,
    default: defaultThreads(),
    defaultText: "the cores, shared among the job's processes on this host",
    help: 'worker threads of each process; 0 is for a rank 0 that only coordinates',
    example: '2',
  }),
};

export const GPUS_SETTINGS = {
  gpus: text<string | undefined>({
    group: 'Engine',
    placeholder: 'which',
    default: undefined,
    help: 'one worker process for each NVIDIA GPU: all, a number of them, or indices such as 0,1',
    example: 'all',
    bits: 'numerics class',
    resume: NOT_REMEMBERED,
  }),
};
