/** Trains for some seconds with nodes of several engines over loopback, each in its own process; prints a JSON line. */

import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { LockstepProcess } from './lockstepProcess.js';
import { modelName, positive } from './optionValues.js';
import { measureRun } from './timedRun.js';

/** For nodes to end after a stop. */
const GRACE_MS = 5000;

interface Options {
  readonly engines: string;
  readonly model: string;
  readonly batchSize: number;
  readonly microBatch: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const { engines, seconds, warmUpSeconds, ...shape } = new Command('mixedRun.js')
  .description('train through a coordinator; on CIFAR-10 if LOCKSTEP_DATA_DIR names its folder')
  .option('--engines <list>', 'one worker process for each', 'webgpu,webgpu,simd')
  .option('--model <name>', 'network', modelName, 'resnet20')
  .option('--batch-size <n>', 'samples of one step', positive, 512)
  .option('--micro-batch <n>', 'samples of one work item', positive, 64)
  .option('--seconds <n>', 'length of the run from its first step', Number, 10)
  .option('--warm-up-seconds <n>', 'seconds at its start that do not count', Number, 2)
  .parse()
  .opts<Options>();

const environment = { LOCKSTEP_TOKEN: randomBytes(24).toString('hex') };
const nodes: LockstepProcess[] = [];
let isOver = false;

function start(options: readonly string[]): LockstepProcess {
  const count = String(engines.split(',').length);
  const listening = ['--listen', '127.0.0.1:0', '--min-workers', count];
  const coordinator = new LockstepProcess(['coordinator', ...listening, ...options], environment);
  // measureRun reports failures of the coordinator itself.
  attachAll(coordinator).catch(() => undefined);
  return coordinator;
}

/** A node that fails ends the run. */
async function attachAll(coordinator: LockstepProcess): Promise<void> {
  const { url } = await coordinator.first('listening');
  for (const [index, engine] of engines.split(',').entries()) {
    const name = ['--name', `${engine}-${index + 1}`];
    const node = new LockstepProcess(
      ['worker', url, '--engine', engine, '--threads', '1', '--no-tune', ...name],
      environment,
    );
    nodes.push(node);
    void node.ended.then((how) => {
      if (how === undefined || isOver) return;
      console.error(`${engine} ended with ${how}`);
      coordinator.stop();
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

try {
  const measured = await measureRun(shape, { seconds, warmUpSeconds }, start);
  process.stdout.write(`${JSON.stringify({ engines, ...shape, ...measured })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ engines, ...shape, error: messageOf(error) })}\n`);
  process.exitCode = 1;
} finally {
  isOver = true;
  const kill = setTimeout(() => nodes.forEach((node) => node.kill()), GRACE_MS);
  nodes.forEach((node) => node.stop());
  await Promise.allSettled(nodes.map(({ ended }) => ended));
  clearTimeout(kill);
}
