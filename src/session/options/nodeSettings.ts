/** The options of commands and functions that begin no run: `worker` and `evaluate`. */

import { hostname } from 'node:os';
import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { flag, seconds, text, variant } from '../../foundation/options/definition.js';
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
  dataDir: { ...dataDirSetting('folder that holds CIFAR-10'), defaultText: 'that of the run, else data' },
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
