/** `coordinate`: a run whose workers attach over the network. */

import { DEFAULT_MAX_NODES, refuseUnusable } from '../coordinator/index.js';
import { DEFAULT_HEARTBEAT_TIMEOUT_MS } from '../protocol/index.js';
import { LockstepError } from '../foundation/errors.js';
import {
  COORDINATOR_WORKERS,
  DOOR_SETTINGS,
  doorTokenFor,
  openDoor,
  readTokenSource,
} from '../session/index.js';
import type {
  CoordinatorSettings,
  ListenOptions,
  OpenDoor,
  PreparedDoor,
  TokenSource,
} from '../session/index.js';
import { addressText, checkHost, checkMilliseconds, checkPort, checkToken } from './checks.js';
import { asLibraryErrors, libraryError } from './errors.js';
import { checkSetting, refuseUnknown, RUN_KEYS, trainingOptionsOf } from './options.js';
import type { RunOptions } from './options.js';
import { refuseIncomplete, runForProgram } from './session.js';
import type { TrainedRun } from './session.js';

/** Options of a run that listens for workers; `workers`, threads of this process, is 0 unless it is given. */
export interface CoordinateOptions extends RunOptions {
  /** Left out: 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: any that is free. Left out: 7070. */
  readonly port?: number | undefined;
  /** What workers must show. Left out: none on loopback; beyond it, one is made. */
  readonly token?: string | undefined;
  /** Certificate chain and private key, PEM. Needed beyond loopback, unless `insecure`. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Listen beyond loopback without TLS, in a network you trust. */
  readonly insecure?: boolean | undefined;
  /** HOST or HOST:PORT by which workers reach this machine, for `url`. */
  readonly advertise?: string | undefined;
  /** Processes that may be attached at the same time. */
  readonly maxNodes?: number | undefined;
  /** Begin when this many workers (threads) are attached. */
  readonly minWorkers?: number | undefined;
  /** Stop, after saving, when no worker is attached for this long. */
  readonly waitTimeoutMs?: number | undefined;
  /** Disconnect a worker after this much silence. */
  readonly heartbeatTimeoutMs?: number | undefined;
}

/** A run that listens for workers. */
export interface Coordination {
  /** To give to `work`, or to `lockstep worker`. */
  readonly url: string;
  readonly token: string | undefined;
  /** Settles when the run has ended. */
  readonly done: Promise<TrainedRun>;
}

const KEYS = [
  ...RUN_KEYS,
  ...['host', 'port', 'token', 'tls', 'insecure', 'advertise'],
  ...['maxNodes', 'minWorkers', 'waitTimeoutMs', 'heartbeatTimeoutMs'],
];
const WAIT_TIMEOUT_MS = 300_000;

/**
 * Listens for workers, and trains on those that attach. Resolves as soon as they can.
 * @throws LockstepError, always; what goes wrong later rejects `done`
 */
export function coordinate(options: CoordinateOptions): Promise<Coordination> {
  return asLibraryErrors(async () => {
    refuseUnknown(options, KEYS);
    refuseIncomplete(options);
    const { door, tokenSource } = doorOptionsOf(options);
    await refuseWithoutToken(options);
    let opened!: (door: OpenDoor) => void;
    const listening = new Promise<OpenDoor>((resolve) => (opened = resolve));
    const done = runForProgram(options, {
      training: trainingOptionsOf(options, COORDINATOR_WORKERS),
      runDir: options.runDir,
      resume: options.resume,
      test: options.test ?? false,
      minWorkers: options.minWorkers ?? 1,
      waitTimeoutMs: options.waitTimeoutMs ?? WAIT_TIMEOUT_MS,
      noWorkersRemedy: 'attach one with work(), or wait longer with waitTimeoutMs',
      coordinatorSettings: { tokenSource, ...settingsOf(options, door) },
      prepareDoor: async (): Promise<PreparedDoor> => {
        await refuseUnusable(door);
        return {
          engine: undefined,
          open: async (...run) => {
            const open = await openDoor(...run, door);
            opened(open);
            return open;
          },
        };
      },
    }).catch((error: unknown) => {
      throw libraryError(error);
    });
    const { url } = await Promise.race([listening, done.then(ended)]);
    return { url, token: door.token, done };
  });
}

function ended(): never {
  throw new Error('a run ended before it listened');
}

/** @throws LockstepError E_OPTION */
function doorOptionsOf(options: CoordinateOptions): {
  readonly door: ListenOptions;
  readonly tokenSource: TokenSource;
} {
  const { host = '127.0.0.1', port = 7070, tls, advertise, insecure = false } = options;
  const { maxNodes = DEFAULT_MAX_NODES, heartbeatTimeoutMs = DEFAULT_HEARTBEAT_TIMEOUT_MS } = options;
  checkHost(host);
  checkPort(port);
  checkSetting('maxNodes', maxNodes);
  checkSetting('minWorkers', options.minWorkers ?? 1);
  checkMilliseconds('waitTimeoutMs', options.waitTimeoutMs, DOOR_SETTINGS.waitTimeout);
  checkMilliseconds('heartbeatTimeoutMs', heartbeatTimeoutMs, DOOR_SETTINGS.heartbeatTimeout);
  if (advertise !== undefined) checkSetting('advertise', advertise);
  checkToken(options.token);
  const { token, source } = doorTokenFor(options.token, { host, advertise });
  const door = { host, port, token, tls, advertise, insecure, heartbeatTimeoutMs, maxNodes };
  return { door, tokenSource: source };
}

/** The workers still show the previous token, which is not stored. @throws LockstepError E_OPTION */
async function refuseWithoutToken({ resume, token }: CoordinateOptions): Promise<void> {
  if (resume === undefined || token !== undefined || (await readTokenSource(resume)) !== 'given') return;
  throw new LockstepError(
    'E_OPTION',
    `the workers of the run in ${resume} show a token that was given, and it is not kept; give it again as token, or another one and start the workers anew with it`,
  );
}

/** For config.json, where `lockstep coordinator --resume` looks. */
function settingsOf(
  { minWorkers = 1, waitTimeoutMs = WAIT_TIMEOUT_MS }: CoordinateOptions,
  { host, port, advertise, insecure, maxNodes, heartbeatTimeoutMs }: ListenOptions,
): CoordinatorSettings {
  return {
    listen: addressText(host, port),
    ...(advertise === undefined ? {} : { advertise }),
    insecure,
    maxNodes,
    minWorkers,
    waitTimeout: waitTimeoutMs / 1000,
    heartbeatTimeout: heartbeatTimeoutMs / 1000,
  };
}
