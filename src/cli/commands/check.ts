/** `lockstep check`: looks at a training before it begins, and says what is wrong with it. */

import type { Command } from 'commander';
import { CHECK_GROUPS, CHECKS } from '../../check/index.js';
import type { Finding, Subject } from '../../check/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import { CHECK_SETTINGS, checkTraining, RunLog } from '../../session/index.js';
import type { CheckOutcome } from '../../session/index.js';
import { CheckDisplay } from '../display/checkDisplay.js';
import { BY_FLAG, findingInFlags } from '../options/inFlags.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { declareTrainsOptions, resolveTrainsOptions } from '../options/trainsOptions.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import { printError, printJson } from '../process/terminal.js';

interface RawOptions {
  readonly only?: string;
  readonly skip?: string;
  readonly save?: string;
  readonly test?: boolean;
  readonly json?: boolean;
}

export function addCheckCommand(program: Command): void {
  const command = program
    .command('check')
    .description('check a training before it begins: its data, its network, its rate')
    .addHelpText('after', listOfChecks);
  declareOptions(command, entriesOf(CHECK_SETTINGS));
  declareTrainsOptions(command);
  command.action(async () => {
    const training = resolveTrainsOptions(command, Object.keys(CHECK_SETTINGS), (notice) =>
      printError(`lockstep: ${notice}`),
    );
    const { only, skip, save, test = false, json = false } = command.opts<RawOptions>();
    const display = json ? undefined : new CheckDisplay(process.stdout);
    const stop = listenForStop(() => undefined);
    const log = new RunLog({
      subscribers: [],
      onDownload: (progress) => display?.download(progress),
      onNotice: (message) => printError(`lockstep: ${message}`),
      wording: BY_FLAG,
    });
    let done = 0;
    let all: number | undefined;
    try {
      const outcome = await checkTraining(
        {
          training,
          test,
          save,
          only: namesIn(only),
          skip: namesIn(skip),
          onSubject: (subject) => display?.say(headline(subject)),
          onStart: (name, place, total) => {
            all = total;
            display?.start(name, place, total);
          },
          onFinding: (finding) => {
            done++;
            if (json) printJson(lineOf(finding));
            else display?.finding(findingInFlags(finding));
          },
        },
        { log, signal: stop.signal, proxyFor },
      );
      if (json) printJson(summaryOf(outcome));
      else display?.outcome(outcome);
      if (outcome.failed > 0) process.exitCode = 1;
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
      display?.close();
      const where = all === undefined ? 'before the first check' : `after ${done} of ${count(all, 'check')}`;
      printError(`lockstep: interrupted ${where}`);
      process.exitCode = stop.exitCode() ?? 1;
    } finally {
      display?.close();
      stop.dispose();
    }
  });
}

function namesIn(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function headline({ model, recipe, data, computing }: Subject): string {
  const { name, device } = computing.description;
  return (
    `${model.name}, ${count(model.layout.parameterCount, 'parameter')}, on ${recipe.dataset}: ` +
    `${count(data.split.training.length, 'training image')}, ${data.split.validation.length.toLocaleString('en-US')} for validation; ` +
    `engine ${name} (${device})`
  );
}

function lineOf(finding: Finding): unknown {
  return { event: 'check', ...findingInFlags(finding) };
}

function summaryOf({ findings: _, ...summary }: CheckOutcome): unknown {
  return { event: 'checked', ...summary };
}

function listOfChecks(): string {
  const width = Math.max(...CHECKS.map(({ name }) => name.length));
  const lines = CHECK_GROUPS.flatMap((group) => [
    `  ${group}`,
    ...CHECKS.filter((check) => check.group === group).map(
      ({ name, about }) => `    ${name.padEnd(width)}  ${about}`,
    ),
  ]);
  return `
Checks, by group:
${lines.join('\n')}

The exit status is 1 if a check fails. Examples:
  ${commandLine('check')} --dataset cifar10 --model resnet8
  ${commandLine('check')} --recipe notebook --only data,start --save seen`;
}
