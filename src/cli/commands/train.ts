/** `lockstep train`: coordinator and worker threads in one process, and with `--gpus` a process for each GPU. */

import { commandLine } from '../../foundation/commandLine.js';
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { listen } from '../../coordinator/index.js';
import { Supervisor } from '../process/gpus/supervisor.js';
import { gpuWorkerSpecs, resolveGpuWorkers } from '../process/gpus/workers.js';
import type { GpuWorkers } from '../process/gpus/workers.js';
import { keptCoordinatorSettings, nodesInto, withTuning } from '../../session/index.js';
import type { PreparedDoor, SessionOptions } from '../../session/index.js';
import { declareOwnPage } from '../options/uiOptions.js';
import { argumentsFor, ownPageOf, withPage } from './ownPage.js';
import { dataDirArguments } from '../options/dataDir.js';
import { TRAIN_OPTIONS } from '../options/optionTable.js';
import {
  declareRunOptions,
  declareStopSignal,
  knownRecipes,
  schedulerOf,
  sessionOptionsOf,
  settleResume,
} from '../options/runOptions.js';
import { declareOptions, resolveTrainingOptions } from '../options/trainingOptions.js';
import { trainInTerminal } from './terminalSession.js';

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train in this process, on worker threads')
    .addHelpText('after', () => `${knownRecipes()}${examples()}`);
  declareOptions(command, TRAIN_OPTIONS);
  declareRunOptions(command);
  declareStopSignal(command);
  declareOwnPage(command);
  command.action(async () => {
    const isResumedIfThere = settleResume(command);
    const training = resolveTrainingOptions(command, TRAIN_OPTIONS);
    const data = dataDirArguments(training);
    const { gpus } = command.opts<{ gpus?: string }>();
    const { json, ...session } = sessionOptionsOf(command);
    // Of a coordinator's run that is continued here: a coordinator that continues it later is to find them.
    const coordinatorSettings =
      session.resume === undefined ? {} : await keptCoordinatorSettings(session.resume);
    const shared = { ...session, minWorkers: 1, coordinatorSettings };
    const page = ownPageOf(command);
    const again = { ...data, ...argumentsFor(page) };
    const terminal = { json, command: 'train', isResumedIfThere, scheduler: schedulerOf(command) } as const;
    if (gpus === undefined) {
      const prepareDoor = page && (() => withPage(undefined, page));
      const local = { ...shared, training, waitTimeoutMs: LOCAL_WAIT_MS, prepareDoor };
      process.exitCode = await trainInTerminal(local, { ...terminal, options: again });
      return;
    }
    const onGpus: SessionOptions = {
      ...shared,
      training: { ...training, workers: training.given.has('workers') ? training.workers : 0 },
      waitTimeoutMs: GPU_WAIT_MS,
      noWorkersRemedy: 'the notices above say what became of the processes of the GPUs',
      prepareDoor: async (settings) => {
        const workers = await resolveGpuWorkers(gpus, settings);
        const prepared = { engine: workers.engine, open: openDoorForGpus(workers, settings.tune) };
        return page ? withPage(prepared, page) : prepared;
      },
    };
    process.exitCode = await trainInTerminal(onGpus, { ...terminal, options: { gpus, ...again } });
  });
}

/** Threads of this process are there or will not come. */
const LOCAL_WAIT_MS = 30_000;
/** A process that opens a GPU for the first time compiles and loads for a while. */
const GPU_WAIT_MS = 180_000;

/** A door on loopback for the processes of the GPUs alone, with a secret that nobody else has. */
function openDoorForGpus(workers: GpuWorkers, tune: boolean): PreparedDoor['open'] {
  return async (fleet, model, log) => {
    const { notice } = withTuning({ name: workers.engine }, { tune, cacheFolder: undefined });
    if (notice !== undefined) log.notice(notice);
    const token = randomBytes(32).toString('base64url');
    const server = await listen({
      host: '127.0.0.1',
      port: 0,
      token,
      tls: undefined,
      insecure: false,
      ...nodesInto(fleet, model),
    });
    const specs = gpuWorkerSpecs(workers, { url: server.url, token, more: ['--threads', '1'] });
    const supervisor = new Supervisor(specs, {
      onLine: () => undefined, // the run's own events tell of workers that come and go
      onNotice: (name, message) => log.notice(`the process of ${name} ${message}`),
    });
    void supervisor.ended.then((ends) => {
      for (const end of ends) if (end.kind === 'failed') log.notice(end.message);
    });
    return {
      close: async () => {
        await supervisor.stop();
        await server.close();
      },
    };
  };
}

const examples = (): string => `
Examples:
  ${commandLine('train')} --dataset cifar10 --data-dir data --model resnet20 --epochs 30 --schedule onecycle
  ${commandLine('train')} --recipe modern --model resnet32 --epochs 60
  ${commandLine('train')} --resume runs/2026-11-24T08-00-00-resnet20-seed1
  ${commandLine('train')} --gpus all --micro-batch 128
  ${commandLine('train')} --config recipe.json --seed 2`;
