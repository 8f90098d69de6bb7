/** `lockstep worker URL`: attaches this machine to a coordinator. */

import type { Command } from 'commander';
import { cacheFolder } from '../../engine/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import { LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { coordinatorUrl, GPUS_SETTINGS, WORKER_SETTINGS, workFor } from '../../session/index.js';
import { errorText, sentenceInFlags } from '../options/inFlags.js';
import { entriesOf } from '../options/optionTable.js';
import { endWithSupervisor, tellSupervisor } from '../process/gpus/supervised.js';
import { Supervisor } from '../process/gpus/supervisor.js';
import { describeGpus, gpuWorkerSpecs, resolveGpuWorkers } from '../process/gpus/workers.js';
import type { Attachment } from '../process/gpus/workers.js';
import { outputIsLog, withTime } from '../display/logTime.js';
import { WorkerReport } from '../display/workerReport.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import { clearTextWarning, declareTokenOptions, resolveToken } from '../token/token.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print } from '../process/terminal.js';
import { CA_OPTION, readAuthority, statusLine } from './attaching.js';

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
  command.addHelpText('after', examples).action(async (urlText: string) => {
    const options = command.opts<RawOptions>();
    const isGiven = (key: string): boolean => command.getOptionValueSource(key) === 'cli';
    const url = coordinatorUrl(urlText);
    process.exitCode = await (options.gpus === undefined
      ? attach(url, options, isGiven('threads'))
      : attachGpus(url, options, {
          name: isGiven('name') ? options.name : undefined,
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
  ofEach: Pick<Attachment, 'name' | 'more'>,
): Promise<number> {
  const token = resolveToken(options);
  const workers = await resolveGpuWorkers(options.gpus!, options);
  say(describeGpus(workers));
  const supervisor = new Supervisor(gpuWorkerSpecs(workers, { url: url.href, token, ...ofEach }), {
    onLine: (name, line) => say(`${name}: ${line}`),
    onNotice: (name, message) => say(`${name}: ${message}`),
  });
  const stop = listenForStop((signal) => {
    say(`${signal}: finishing work in progress; a second signal stops at once`);
    void supervisor.stop();
  }, say);
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

async function attach(url: URL, options: RawOptions, isThreadsGiven: boolean): Promise<number> {
  const token = resolveToken(options);
  const ca = readAuthority(options.ca);
  const warning = clearTextWarning(url, token);
  if (warning !== undefined) say(warning);
  const proxy = proxyFor(url);
  if (proxy) say(`connecting by way of the proxy ${proxy.host} (HTTPS_PROXY; NO_PROXY makes exceptions)`);
  const stop = listenForStop(
    (signal) => say(`${signal}: finishing work in progress; a second signal stops at once`),
    say,
  );
  endWithSupervisor();
  const report = new WorkerReport(say);
  try {
    const reason = await workFor({
      ...options,
      url,
      token,
      ca,
      proxy,
      isThreadsGiven,
      cacheFolder: cacheFolder(),
      signal: stop.signal,
      onNotice: (message) => say(`notice: ${sentenceInFlags(message)}`),
      onReady: (description, threads) =>
        say(
          `${threads} worker(s): ${description.name} on ${description.device}, numerics class ${description.numericsClass}`,
        ),
      onStatus: (status) => {
        if (status.kind === 'connected') tellSupervisor({ kind: 'connected' });
        say(statusLine(status));
      },
      onAnswered: report.answered,
      onWelcome: ({ runName }, { name }) => say(`taking part in ${runName} (${name})`),
    });
    say(`done: ${reason}`);
    return stop.exitCode() ?? 0;
  } catch (error) {
    const code = error instanceof LockstepError ? error.code : 'E_INTERNAL';
    tellSupervisor({ kind: 'failed', code, message: errorText(error) });
    throw error;
  } finally {
    stop.dispose();
    report.stop();
  }
}

function say(message: string): void {
  print(outputIsLog() ? withTime(message) : message);
}

const examples = (): string => `
Examples:
  ${commandLine('worker')} ws://192.0.2.7:7070 --threads 4
  LOCKSTEP_TOKEN=… ${commandLine('worker')} wss://trainer.example:7070`;
