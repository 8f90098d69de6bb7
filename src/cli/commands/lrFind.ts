/** `lockstep lr-find`: tests a range of learning rates on the first steps of a training, and suggests one. */

import type { Command } from 'commander';
import type { Suggestion } from '../../check/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { findLearningRate, LR_FIND_SETTINGS, RunLog } from '../../session/index.js';
import { learningRateLines } from '../display/learningRate.js';
import { PassingLine } from '../display/passingLine.js';
import { rate } from '../display/text.js';
import { BY_FLAG } from '../options/inFlags.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { declareTrainsOptions, resolveTrainsOptions } from '../options/trainsOptions.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError, printJson } from '../process/terminal.js';

type RawOptions = ValuesOf<typeof LR_FIND_SETTINGS> & { readonly json?: boolean };

export function addLrFindCommand(program: Command): void {
  const command = program
    .command('lr-find')
    .description('find a learning rate: test a range of them on the first steps of a training')
    .addHelpText('after', examples);
  declareOptions(command, entriesOf(LR_FIND_SETTINGS));
  declareTrainsOptions(command);
  command.action(async () => {
    const training = resolveTrainsOptions(command, Object.keys(LR_FIND_SETTINGS), (notice) =>
      printError(`lockstep: ${notice}`),
    );
    const { from, to, steps, json = false, runDir } = command.opts<RawOptions>();
    const stop = listenForStop(() => undefined);
    const live = new PassingLine(process.stdout, !json);
    const log = new RunLog({
      subscribers: [],
      onDownload: ({ phase }) => live.show(`${phase} …`),
      onNotice: (message) => printError(`lockstep: ${message}`),
      wording: BY_FLAG,
    });
    let done = 0;
    let suggestion: Suggestion | undefined;
    const show = (found: Suggestion & { readonly runDir?: string }): void => {
      live.clear();
      if (json) printJson({ event: 'learning-rate', ...found });
      else learningRateLines(found, process.stdout.columns).forEach(print);
    };
    try {
      const found = await findLearningRate(
        {
          training,
          ...{ from, to, steps, runDir },
          onPoint: ({ step, lr, loss }) => {
            done = step;
            live.show(`step ${step}/${steps}  rate ${rate(lr)}  loss ${loss.toFixed(3)}`);
          },
          onSuggestion: (found) => (suggestion = found),
        },
        { log, signal: stop.signal, proxyFor },
      );
      show(found);
      if (found.lr === null) process.exitCode = 1;
    } catch (error) {
      if (suggestion !== undefined) show(suggestion); // it is found, and cannot be kept
      if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
      live.clear();
      printError(`lockstep: interrupted after ${done} of ${count(steps, 'step')}`);
      process.exitCode = stop.exitCode() ?? 1;
    } finally {
      live.clear();
      stop.dispose();
    }
  });
}

const examples = (): string => `
Examples:
  ${commandLine('lr-find')} --dataset cifar10 --model resnet20
  ${commandLine('lr-find')} --recipe modern --width 4 --from 1e-3 --to 10`;
