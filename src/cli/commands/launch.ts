/**
 * `lockstep launch`: one process of a job that a scheduler has started. All of them run the same line. Rank 0 coordinates
 * and computes, the others attach to it; a job of one process is `train`.
 */

import { hostname } from 'node:os';
import type { Command } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import { splitAddress, valueParser, ADDRESS } from '../../session/index.js';
import { detectJob } from '../cluster/detectJob.js';
import type { GivenPlace } from '../cluster/detectJob.js';
import { describePlace } from '../cluster/jobPlace.js';
import { LAUNCH_OPTIONS } from '../options/optionTable.js';
import { declareRunOptions, declareStopSignal, knownRecipes } from '../options/runOptions.js';
import { declareOptions } from '../options/trainingOptions.js';
import { declareSharedPage } from '../options/uiOptions.js';
import { declareJoinOptions } from '../token/joinOptions.js';
import { declareTokenOptions } from '../token/token.js';
import { say } from './attaching.js';
import { attachRank } from './launchRank.js';
import { coordinateJob, trainAlone } from './launchRoles.js';

interface RawOptions {
  readonly rank?: number;
  readonly worldSize?: number;
  readonly coordinator?: string;
  readonly json?: boolean;
}

export function addLaunchCommand(program: Command): void {
  const command = program
    .command('launch')
    .description(
      'take part in a job of Slurm, mpirun, torchrun or Kubernetes: every process runs the same line',
    )
    .addHelpText('after', () => `${knownRecipes()}${examples()}`);
  declareOptions(command, LAUNCH_OPTIONS);
  declarePlace(command);
  declareRunOptions(command);
  declareStopSignal(command);
  command.option(
    '--requeue',
    'under Slurm, once the stop signal has come and all is saved: put the job back into the queue (scontrol requeue)',
  );
  declareTokenOptions(command);
  declareJoinOptions(command);
  declareSharedPage(command);
  command.action(async () => {
    const place = detectJob(process.env, hostname(), givenPlace(command));
    const { json = false } = command.opts<RawOptions>();
    if (place.kind !== 'alone' && !json) say(describePlace(place));
    if (place.worldSize === 1) process.exitCode = await trainAlone(command, place);
    else process.exitCode = await (place.rank === 0 ? coordinateJob : attachRank)(command, place);
  });
}

function declarePlace(command: Command): void {
  const integer = (flag: string, min: number): ((text: string) => number) => {
    const parse = valueParser(flag, { kind: 'integer', min }, String(min));
    return (text) => parse(text) as number;
  };
  command
    .option(
      '--rank <n>',
      'which process of the job this is (default: as the scheduler says)',
      integer('--rank', 0),
    )
    .option('--world-size <n>', 'how many processes the job has', integer('--world-size', 1))
    .option(
      '--coordinator <host:port>',
      'where rank 0 listens (default: the first host of the job, and a port made of its id)',
      (text) => String(valueParser('--coordinator', { kind: 'text', form: ADDRESS }, 'n1:7070')(text)),
    );
}

function givenPlace(command: Command): GivenPlace {
  const { rank, worldSize, coordinator } = command.opts<RawOptions>();
  if (coordinator === undefined) return { rank, worldSize };
  return { rank, worldSize, coordinator: splitAddress(coordinator) };
}

const examples = (): string => `
Examples:
  srun ${commandLine('launch')} --recipe modern --run-dir /shared/runs/first --resume auto
  mpirun -np 4 ${commandLine('launch')} --dataset cifar10 --model resnet20
  ${commandLine('launch')} --rank 1 --world-size 2 --coordinator n1:7070 --run-dir /shared/runs/first`;
