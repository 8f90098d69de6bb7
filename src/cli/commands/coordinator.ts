/** `lockstep coordinator`: listens for nodes, and trains on them. */

import type { Command } from 'commander';
import { EVALUATION_CHUNK, listen } from '../../coordinator/index.js';
import type { EventListener, Fleet } from '../../coordinator/index.js';
import { invariant, LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import { largestFrameBytes } from '../../protocol/index.js';
import { COORDINATOR_OPTIONS } from '../optionTable.js';
import { readTextFile } from '../readTextFile.js';
import { declareRunOptions, sessionOptionsOf } from '../runOptions.js';
import { declareTokenOptions, resolveToken } from '../token.js';
import { declareOptions, resolveTrainingOptions } from '../trainingOptions.js';
import { runTrainingSession } from '../trainingSession.js';
import type { Door } from '../trainingSession.js';
import { splitAddress } from '../values.js';

interface RawOptions {
  readonly listen: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly minWorkers: number;
  readonly waitTimeout: number;
  readonly heartbeatTimeout: number;
}

export function addCoordinatorCommand(program: Command): void {
  const command = program
    .command('coordinator')
    .description('listen for workers, and train on those that attach')
    .addHelpText('after', EXAMPLES);
  declareOptions(command, COORDINATOR_OPTIONS);
  declareRunOptions(command);
  declareTokenOptions(command);
  command.action(async () => {
    const training = resolveTrainingOptions(command, COORDINATOR_OPTIONS);
    const options = command.opts<RawOptions>();
    const door = doorOptionsOf(options);
    process.exitCode = await runTrainingSession({
      training,
      ...sessionOptionsOf(command),
      continueWith: 'coordinator',
      minWorkers: options.minWorkers,
      waitTimeoutMs: options.waitTimeout * 1000,
      openDoor: (fleet, model, onEvent) => openDoor(fleet, model, onEvent, door),
    });
  });
}

interface DoorOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly insecure: boolean;
  readonly heartbeatTimeoutMs: number;
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

/** @throws LockstepError E_OPTION for what cannot be meant or read */
function doorOptionsOf(options: RawOptions): DoorOptions {
  const { insecure = false, tlsCert } = options;
  const address = splitAddress(options.listen);
  invariant(address !== undefined, 'the option was checked when it was parsed');
  if (insecure && tlsCert !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--insecure contradicts --tls-cert ${tlsCert}, which protects the connection; leave one of them out`,
    );
  }
  return {
    ...address,
    token: resolveToken(options),
    tls: readTls(options),
    insecure,
    heartbeatTimeoutMs: options.heartbeatTimeout * 1000,
  };
}

function readTls({ tlsCert, tlsKey }: RawOptions): DoorOptions['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new LockstepError('E_OPTION', 'TLS needs both --tls-cert and --tls-key; give both, or neither');
  }
  return { cert: readTextFile('--tls-cert', tlsCert), key: readTextFile('--tls-key', tlsKey) };
}

const EXAMPLES = `
Examples:
  lockstep coordinator --dataset cifar10 --model resnet20 --min-workers 2
  LOCKSTEP_TOKEN=secret lockstep coordinator --listen 0.0.0.0:7070 --tls-cert cert.pem --tls-key key.pem
Then, on each machine that is to help:
  lockstep worker ws://HOST:7070`;
