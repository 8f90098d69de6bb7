/** `lockstep setup`: what an optional engine needs on this machine. */

import path from 'node:path';
import type { Command } from 'commander';
import { tensorflowFolder } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { shellWord } from '../../foundation/shellWord.js';
import { setUpTensorflow } from '../../setup/index.js';
import type { TensorflowSource } from '../../setup/index.js';
import { valueParser } from '../../session/index.js';
import { listenForStop } from '../process/stopSignal.js';
import { print } from '../process/terminal.js';

const SOURCES: readonly TensorflowSource[] = ['package', 'wheel'];

interface RawOptions {
  readonly gpu: boolean;
  readonly force: boolean;
  readonly source?: TensorflowSource;
  readonly dir?: string;
}

export function addSetupCommand(program: Command): void {
  const setup = program.command('setup').description('set up an optional engine');
  setup
    .command('tensorflow')
    .description('fetch or build TensorFlow for --engine tensorflow, and test it by a training step')
    .option('--gpu', 'with CUDA, for an NVIDIA GPU (about 3 GB to download)', false)
    .option('--force', 'set it up again, even if it works', false)
    .option(
      '--source <source>',
      "package: use the package's own installer; wheel: use a Python wheel and a compiler (default: first one, then the other)",
      valueParser('--source', { kind: 'choice', of: SOURCES }, 'wheel'),
    )
    .option(
      '--dir <folder>',
      'folder to set it up in (default: env LOCKSTEP_TENSORFLOW_DIR, else one that --engine tensorflow finds)',
    )
    .action(setUp);
}

async function setUp({ gpu, force, source, dir }: RawOptions): Promise<void> {
  const stop = listenForStop(() => undefined);
  const folder = dir === undefined ? defaultFolder() : path.resolve(dir);
  const say = (line: string): void => print(`lockstep: ${line}`);
  const { signal } = stop;
  const isTerminal = process.stdout.isTTY;
  try {
    await setUpTensorflow({ gpu, force, source, folder, environment: process.env, isTerminal, signal, say });
    const isFound = folder === tensorflowFolder();
    say(
      `use it with ${isFound ? '' : `LOCKSTEP_TENSORFLOW_DIR=${shellWord(folder)} and `}--engine tensorflow`,
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    say('stopped; nothing was changed');
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    stop.dispose();
  }
}

function defaultFolder(): string {
  const folder = tensorflowFolder();
  if (folder !== undefined) return folder;
  throw new LockstepError(
    'E_OPTION',
    'this user has no home folder to set TensorFlow up in; name one with --dir',
  );
}
