/** `lockstep coordinator`: listens for nodes, and trains on them. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { EVALUATION_CHUNK, listen } from '../../coordinator/index.js';
import type { EventListener, Fleet } from '../../coordinator/index.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import { largestFrameBytes } from '../../protocol/index.js';
import { COORDINATOR_WORKERS_OPTION, TRAINING_OPTIONS } from '../optionTable.js';
import { declareRunOptions, sessionOptionsOf } from '../runOptions.js';
import { declareTokenOptions, resolveToken } from '../token.js';
import { declareOptions, resolveTrainingOptions } from '../trainingOptions.js';
import { runTrainingSession } from '../trainingSession.js';
import type { Door } from '../trainingSession.js';
import { parseValue } from '../values.js';

interface RawOptions {
  readonly listen: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure: boolean;
  readonly minWorkers: number;
  readonly waitTimeout: number;
}

export function addCoordinatorCommand(program: Command): void {
  const command = program
    .command('coordinator')
    .description('listen for workers, and train on those that attach')
    .addHelpText('after', EXAMPLES);
  declareOptions(command, [...TRAINING_OPTIONS, COORDINATOR_WORKERS_OPTION]);
  declareRunOptions(command);
  command.option('--listen <host:port>', 'address to listen on', '127.0.0.1:7070');
  declareTokenOptions(command);
  command
    .option('--tls-cert <file>', 'certificate chain (PEM): listen with TLS, for wss:// URLs')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--insecure', 'listen beyond loopback without TLS, in a network you trust', false)
    .option(
      '--min-workers <n>',
      'begin when so many workers (threads) are attached',
      integerOf('--min-workers', '1'),
      1,
    )
    .option(
      '--wait-timeout <seconds>',
      'give up, after saving, when no worker is attached for so long',
      secondsOf('--wait-timeout', '300'),
      300,
    );
  command.action(async () => {
    const options = command.opts<RawOptions>();
    const { host, port } = parseAddress(options.listen);
    const token = resolveToken(options);
    const tls = readTls(options);
    process.exitCode = await runTrainingSession({
      ...sessionOptionsOf(command),
      training: resolveTrainingOptions(command, COORDINATOR_WORKERS_OPTION),
      minWorkers: options.minWorkers,
      waitTimeoutMs: options.waitTimeout * 1000,
      openDoor: (fleet, model, onEvent) =>
        openDoor(fleet, model, onEvent, { host, port, token, tls, insecure: options.insecure }),
    });
  });
}

interface DoorOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly insecure: boolean;
}

async function openDoor(
  fleet: Fleet,
  { layout }: Model,
  onEvent: EventListener,
  options: DoorOptions,
): Promise<Door> {
  const server = await listen({
    ...options,
    maxFrameBytes: largestFrameBytes({ ...layout, samplesPerItem: EVALUATION_CHUNK }),
    onChannel: (channel) => fleet.admit(channel, { local: false }),
  });
  onEvent({ event: 'listening', url: server.url, tokenRequired: options.token !== undefined });
  return server;
}

/** @throws LockstepError E_OPTION unless it is HOST:PORT */
function parseAddress(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535) {
    throw new LockstepError(
      'E_OPTION',
      `--listen ${text} must be HOST:PORT, the port from 0 to 65535; for example --listen 127.0.0.1:7070`,
    );
  }
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}

function readTls({ tlsCert, tlsKey }: RawOptions): DoorOptions['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new LockstepError('E_OPTION', 'TLS needs both --tls-cert and --tls-key; give both, or neither');
  }
  return { cert: readPem('--tls-cert', tlsCert), key: readPem('--tls-key', tlsKey) };
}

function readPem(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new LockstepError(
      'E_OPTION',
      `${flag} ${file} must be a readable PEM file: ${describeError(error)}`,
    );
  }
}

function integerOf(flag: string, example: string): (text: string) => number {
  return (text) => parseValue(flag, text, { kind: 'integer', min: 1 }, example) as number;
}

function secondsOf(flag: string, example: string): (text: string) => number {
  return (text) => parseValue(flag, text, { kind: 'number', above: 0, below: 1e6 }, example) as number;
}

const EXAMPLES = `
Examples:
  lockstep coordinator --dataset cifar10 --model resnet20 --min-workers 2
  LOCKSTEP_TOKEN=secret lockstep coordinator --listen 0.0.0.0:7070 --tls-cert cert.pem --tls-key key.pem
Then, on each machine that is to help:
  lockstep worker ws://HOST:7070`;
