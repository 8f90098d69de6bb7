/** The options of commands and functions that begin no run: `worker`, `evaluate`, `export`, `check` and others. */

import { hostname } from 'node:os';
import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { EXPORT_FORMATS } from '../../export/index.js';
import { flag, integer, number, oneOf, seconds, text, variant } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import {
  dataDirSetting,
  DOOR_SETTINGS,
  ENGINE_SETTINGS,
  HEARTBEAT_SETTINGS,
  threadsSetting,
} from './settings.js';

/** Of a process that attaches to a coordinator. */
const NODE_SETTINGS = {
  name: text({
    group: 'Connection',
    default: `${hostname()}:${process.pid}`,
    defaultText: 'host name and process id',
    help: 'how the coordinator calls this node',
  }),
  retryFor: seconds({
    group: 'Connection',
    min: 0,
    default: 600,
    help: 'how long to try to reach a coordinator that cannot be reached',
  }),
  ...HEARTBEAT_SETTINGS,
};

/** Of a process that computes for a coordinator. */
export const WORKER_SETTINGS = {
  threads: threadsSetting('workers (threads) to bring'),
  ...NODE_SETTINGS,
  ...ENGINE_SETTINGS,
};
export type WorkerSettings = ValuesOf<typeof WORKER_SETTINGS>;

const { advertise, tlsCert, tlsKey, insecure, maxNodes } = DOOR_SETTINGS;

/** Of a process that stands between a coordinator and nodes. */
export const RELAY_SETTINGS = {
  listen: variant(DOOR_SETTINGS.listen, {
    default: '127.0.0.1:7071',
    help: 'address for the nodes of this relay',
  }),
  ...{ advertise, tlsCert, tlsKey, insecure, maxNodes },
  ...NODE_SETTINGS,
};
export type RelaySettings = ValuesOf<typeof RELAY_SETTINGS>;

/** Of an evaluation of a checkpoint. */
export const EVALUATION_SETTINGS = {
  dataDir: { ...dataDirSetting('folder that holds the data'), defaultText: 'that of the run, else data' },
  workers: threadsSetting('worker threads'),
  evalStatistics: variant(RECIPE_OPTIONS.evalStatistics, {
    default: undefined,
    help: 'batch normalisation by running or batch statistics (default: as trained)',
  }),
  tta: variant(RECIPE_OPTIONS.tta, {
    default: undefined,
    help: 'average several views of each image: none, flip or full (default: as trained)',
  }),
  save: flag({
    group: 'Run',
    default: true,
    help: 'do not keep the evaluation in the run folder, where ui and report find it',
  }),
  saveImages: text<string | undefined>({
    group: 'Run',
    placeholder: 'dir',
    default: undefined,
    help: 'new or empty folder that gets the images of the highest loss as PNG',
    example: 'worst',
    isPath: true,
  }),
};

/** Of predictions by a checkpoint. */
export const PREDICTION_SETTINGS = { workers: EVALUATION_SETTINGS.workers, tta: EVALUATION_SETTINGS.tta };

/** Of an export of a checkpoint. */
export const EXPORT_SETTINGS = {
  format: oneOf({
    group: 'Run',
    of: EXPORT_FORMATS,
    default: 'pytorch',
    help: 'pytorch: safetensors with a model.py; onnx; tfjs: a graph model',
    example: 'onnx',
  }),
  output: text<string | undefined>({
    group: 'Run',
    placeholder: 'dir',
    default: undefined,
    help: 'new or empty folder that gets the files',
    example: 'exported',
    isPath: true,
  }),
};

/** Of a check of a training, besides the options of the training. */
export const CHECK_SETTINGS = {
  test: flag({
    group: 'Data',
    default: false,
    help: 'look at the test set, too: whether its images are in training, and all its classes there',
  }),
  only: text<string | undefined>({
    group: 'Run',
    placeholder: 'names',
    default: undefined,
    help: 'run these checks alone: names of checks or groups, with commas',
    example: 'data,initial-loss',
  }),
  skip: text<string | undefined>({
    group: 'Run',
    placeholder: 'names',
    default: undefined,
    help: 'do not run these checks',
    example: 'cost',
  }),
  save: text<string | undefined>({
    group: 'Run',
    placeholder: 'dir',
    default: undefined,
    help: 'new or empty folder that gets pictures of what the network sees, before and after augmentation',
    example: 'seen',
    isPath: true,
  }),
};

/** Wide enough for every network, and narrow enough that all rates between two of them are finite. */
const TRIED_RATES = { min: 1e-12, below: 1e6 };

/** Of a search for a learning rate, besides the options of the training. */
export const LR_FIND_SETTINGS = {
  from: number({
    group: 'Learning rate',
    placeholder: 'rate',
    ...TRIED_RATES,
    default: 1e-4,
    help: 'lowest rate, of the first step',
    example: '1e-4',
  }),
  to: number({
    group: 'Learning rate',
    placeholder: 'rate',
    ...TRIED_RATES,
    default: 30,
    help: 'highest rate, of the last step unless training diverges before',
    example: '30',
  }),
  runDir: text<string | undefined>({
    group: 'Run',
    placeholder: 'dir',
    default: undefined,
    help: 'folder that gets the curve, new or empty (default: runs/<time>-lr-find-<model>-seed<seed>)',
    example: 'runs/rates',
    isPath: true,
  }),
  steps: integer({
    group: 'Learning rate',
    min: 30,
    max: 10_000,
    default: 200,
    help: 'steps from the lowest rate to the highest',
  }),
};
