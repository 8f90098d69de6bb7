/** `lockstep worker URL`: attaches this machine to a coordinator. */

import { hostname } from 'node:os';
import type { Command } from 'commander';
import { chooseEngine } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { ENDPOINT_PATH } from '../../protocol/index.js';
import { ComputePool, serveCoordinator } from '../../worker/index.js';
import type { NodeStatus } from '../../worker/index.js';
import { declareEngineOptions, threadsFor, threadsOption } from '../engineOptions.js';
import type { EngineOptions } from '../engineOptions.js';
import { readTextFile } from '../readTextFile.js';
import { HEARTBEAT_OPTIONS } from '../optionTable.js';
import { listenForStop } from '../stopSignal.js';
import { declareTokenOptions, resolveToken } from '../token.js';
import { declareOptions } from '../trainingOptions.js';
import { valueParser } from '../values.js';

interface RawOptions extends EngineOptions {
  readonly threads: number;
  readonly name: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly retryFor: number;
  readonly heartbeatTimeout: number;
}

export function addWorkerCommand(program: Command): void {
  const command = program
    .command('worker')
    .description('attach this machine to a coordinator')
    .argument('<url>', 'the coordinator, such as ws://192.0.2.7:7070 or wss://trainer.example:7070')
    .addOption(threadsOption('--threads', 'workers (threads) to bring'))
    .option('--name <text>', 'how the coordinator calls this node', `${hostname()}:${process.pid}`)
    .option('--ca <file>', 'certificate authority (PEM) to trust besides the system’s, for wss://')
    .option(
      '--retry-for <seconds>',
      'how long to try to reach a coordinator that cannot be reached',
      valueParser('--retry-for', { kind: 'number', min: 0 }, '600'),
      600,
    );
  declareOptions(command, HEARTBEAT_OPTIONS);
  declareEngineOptions(command);
  declareTokenOptions(command);
  command.addHelpText('after', EXAMPLES).action(async (urlText: string) => {
    const isThreadsGiven = command.getOptionValueSource('threads') === 'cli';
    process.exitCode = await attach(parseUrl(urlText), command.opts<RawOptions>(), isThreadsGiven);
  });
}

async function attach(url: URL, options: RawOptions, isThreadsGiven: boolean): Promise<number> {
  const token = resolveToken(options);
  const ca = options.ca === undefined ? undefined : readTextFile('--ca', options.ca);
  const stop = listenForStop((signal) =>
    say(`${signal}: handing in what was begun; once more stops at once`),
  );
  const { notice, ...choice } = await chooseEngine(options.engine, options.numerics, options.device);
  if (notice !== undefined) say(`notice: ${notice}`);
  const threads = isThreadsGiven ? options.threads : threadsFor(choice);
  const pool = new ComputePool(choice, threads);
  try {
    const description = await pool.describe();
    say(
      `${threads} worker(s): ${description.name} on ${description.device}, numerics class ${description.numericsClass}`,
    );
    const reason = await serveCoordinator({
      url,
      token,
      ca,
      pool,
      description,
      nodeName: options.name.slice(0, 200),
      retryForMs: options.retryFor * 1000,
      heartbeatTimeoutMs: options.heartbeatTimeout * 1000,
      signal: stop.signal,
      onStatus: (status) => say(statusLine(status)),
      onWelcome: ({ runName, modelName }) => say(`taking part in ${runName} (${modelName})`),
    });
    say(`done: ${reason}`);
    return stop.exitCode() ?? 0;
  } finally {
    stop.dispose();
    await pool.close();
  }
}

function statusLine(status: NodeStatus): string {
  return status.kind === 'connected'
    ? `connected to ${status.url}`
    : `not connected (${status.reason}); trying again in ${(status.retryInMs / 1000).toFixed(1)} s`;
}

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}

/** Accepts ws, wss, http and https URLs, and a bare HOST:PORT. @throws LockstepError E_OPTION */
function parseUrl(text: string): URL {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `ws://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const scheme = url?.protocol.replace(/^http/, 'ws');
  if (!url || (scheme !== 'ws:' && scheme !== 'wss:')) {
    throw new LockstepError(
      'E_OPTION',
      `${text} must be the coordinator's URL; for example ws://127.0.0.1:7070`,
    );
  }
  const path = url.pathname === '/' ? ENDPOINT_PATH : url.pathname;
  return new URL(path, `${scheme}//${url.host}`);
}

const EXAMPLES = `
Examples:
  lockstep worker ws://192.0.2.7:7070 --threads 4
  LOCKSTEP_TOKEN=secret lockstep worker wss://trainer.example:7070`;
