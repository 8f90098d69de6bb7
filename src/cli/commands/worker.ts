/** `lockstep worker URL`: attaches this machine to a coordinator. */

import type { Command } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import { LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { coordinatorUrl, GPUS_SETTINGS, WORKER_SETTINGS } from '../../session/index.js';
import { entriesOf } from '../options/optionTable.js';
import { declareStopSignal, schedulerOf } from '../options/runOptions.js';
import { Supervisor } from '../process/gpus/supervisor.js';
import { describeGpus, gpuWorkerSpecs, resolveGpuWorkers } from '../process/gpus/workers.js';
import type { Attachment } from '../process/gpus/workers.js';
import { listenForStop } from '../process/stopSignal.js';
import type { Scheduler } from '../process/stopSignal.js';
import { declareTokenOptions, resolveToken } from '../token/token.js';
import { declareOptions } from '../options/trainingOptions.js';
import { attachNode } from './attachNode.js';
import { CA_OPTION, say } from './attaching.js';

const OPTIONS = {
  ...WORKER_SETTINGS,
  ...GPUS_SETTINGS,
  ...CA_OPTION,
};

interface RawOptions extends ValuesOf<typeof OPTIONS> {
  readonly token?: string;
  readonly tokenFile?: string;
}

export function addWorkerCommand(program: Command): void {
  const command = program
    .command('worker')
    .description('attach this machine to a coordinator')
    .argument('<url>', 'the coordinator, such as ws://192.0.2.7:7070 or wss://trainer.example:7070');
  declareOptions(command, entriesOf(OPTIONS));
  declareTokenOptions(command);
  declareStopSignal(command, 'finish the work in hand and leave');
  command.addHelpText('after', examples).action(async (urlText: string) => {
    const options = command.opts<RawOptions>();
    const isGiven = (key: string): boolean => command.getOptionValueSource(key) === 'cli';
    const url = coordinatorUrl(urlText);
    const { ca } = options;
    process.exitCode = await (options.gpus === undefined
      ? attachNode({
          ...options,
          url,
          token: resolveToken(options),
          ca: ca === undefined ? undefined : { option: 'ca', file: ca },
          isThreadsGiven: isGiven('threads'),
          scheduler: schedulerOf(command),
        })
      : attachGpus(url, options, {
          name: isGiven('name') ? options.name : undefined,
          scheduler: schedulerOf(command),
          more: [...(isGiven('threads') ? [] : ['--threads', '1']), ...passedOn(command)],
        }));
  });
}

/** Options that `--gpus` replaces for each process: see gpuWorkerSpecs. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...['gpus', 'name', 'token', 'tokenFile'],
  ...['engine', 'numerics', 'device'],
]);

/** All other given options, for the process of each GPU. A new option is passed on without a change here. */
function passedOn(command: Command): string[] {
  return command.options.flatMap((option) => {
    const key = option.attributeName();
    if (NOT_PASSED_ON.has(key) || command.getOptionValueSource(key) !== 'cli') return [];
    const value = command.getOptionValue(key) as string | number | boolean;
    return typeof value === 'boolean' ? [option.long!] : [option.long!, String(value)]; // --no-tune is false
  });
}

/** A process for each GPU, which this one supervises. */
async function attachGpus(
  url: URL,
  options: RawOptions,
  { scheduler, ...ofEach }: Pick<Attachment, 'name' | 'more'> & { readonly scheduler: Scheduler | undefined },
): Promise<number> {
  const token = resolveToken(options);
  const workers = await resolveGpuWorkers(options.gpus!, options);
  say(describeGpus(workers));
  const supervisor = new Supervisor(gpuWorkerSpecs(workers, { url: url.href, token, ...ofEach }), {
    onLine: (name, line) => say(`${name}: ${line}`),
    onNotice: (name, message) => say(`${name}: ${message}`),
  });
  const onStop = (signal: string): void => {
    say(`${signal}: finishing work in progress${scheduler ? '' : '; a second signal stops at once'}`);
    void supervisor.stop();
  };
  const stop = listenForStop(onStop, say, scheduler);
  try {
    const ends = await supervisor.ended;
    const failures = ends.filter((end) => end.kind === 'failed');
    if (failures.length === ends.length) throw new LockstepError(failures[0]!.code, failures[0]!.message);
    for (const { message } of failures) say(message);
    return stop.exitCode() ?? 0;
  } finally {
    stop.dispose();
  }
}

const examples = (): string => `
Examples:
  ${commandLine('worker')} ws://192.0.2.7:7070 --threads 4
  LOCKSTEP_TOKEN=… ${commandLine('worker')} wss://trainer.example:7070`;
