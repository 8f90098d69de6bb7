/** `coordinate`: a run whose workers attach over the network. */

import { refuseUnusable } from '../coordinator/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { ValuesOf } from '../foundation/options/definition.js';
import {
  attachCommand,
  COORDINATOR_WORKERS,
  DOOR_SETTINGS,
  doorTokenFor,
  openDoor,
  readTokenSource,
  refuseSharedSecret,
} from '../session/index.js';
import type {
  CoordinatorSettings,
  DoorJoin,
  DoorPage,
  ListenOptions,
  OpenDoor,
  PreparedDoor,
  Tls,
  TokenSource,
} from '../session/index.js';
import { addressText, checkHost, checkPort, checkToken, refuseUnknown, tlsOf } from './checks.js';
import { asLibraryErrors, libraryError } from './errors.js';
import { RUN_KEYS, trainingOptionsOf } from './options.js';
import type { RunOptions } from './options.js';
import { refuseIncomplete, runForProgram } from './session.js';
import type { TrainedRun } from './session.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';

/** What the command line has in another form. */
const { listen: _listen, tlsCert: _tlsCert, tlsKey: _tlsKey, ...COORDINATE_SETTINGS } = DOOR_SETTINGS;
export { COORDINATE_SETTINGS };

/**
 * Options of a run that listens for workers; `workers`, threads of this process, is 0 unless it is given. What has no
 * description here has one among [the options](../../docs/library-options.md).
 */
export interface CoordinateOptions extends RunOptions, GivenSettings<typeof COORDINATE_SETTINGS> {
  /** Left out: 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: any that is free. Left out: 7070. */
  readonly port?: number | undefined;
  /** What workers must show. Left out: none on loopback; beyond it, one is made. */
  readonly token?: string | undefined;
  /**
   * Whether to serve the live page of the run at the address that workers attach to: with `token`, whoever shows it may see
   * and stop the run; without one, everybody on this machine. Left out: false.
   */
  readonly ui?: boolean | undefined;
  /** A secret for viewers of the page, who may not stop the run. Left out: only `token` opens it. */
  readonly uiToken?: string | undefined;
  /**
   * Whether to serve the page by which browser tabs attach, at `/join` of the same address: with a token, to tabs that show
   * it or the join token; without one, to those of this machine. Left out: false.
   */
  readonly join?: boolean | undefined;
  /** A secret that attaches workers, and can neither see nor stop the run. Left out: with `join`, one is made of `token`. */
  readonly joinToken?: string | undefined;
  /** Certificate chain and private key, PEM. Needed beyond loopback, unless `insecure`. */
  readonly tls?: Tls | undefined;
}

/** A run that listens for workers. */
export interface Coordination {
  /** To give to `work`, or to `lockstep worker`. */
  readonly url: string;
  readonly token: string | undefined;
  /** The address of the live page; undefined without `ui`. */
  readonly page: string | undefined;
  /** The link by which browser tabs attach, with its secret behind #; undefined without `join`. */
  readonly join: string | undefined;
  /** Settles when the run has ended. */
  readonly done: Promise<TrainedRun>;
}

const KEYS = [
  ...RUN_KEYS,
  ...namesOf(COORDINATE_SETTINGS),
  'host',
  'port',
  'token',
  'tls',
  'ui',
  'uiToken',
  'join',
  'joinToken',
];

/**
 * Listens for workers, and trains on those that attach. Resolves as soon as they can.
 * @throws LockstepError, always; what goes wrong later rejects `done`
 */
export function coordinate(options: CoordinateOptions): Promise<Coordination> {
  return asLibraryErrors(async () => {
    refuseUnknown(options, KEYS);
    refuseIncomplete(options);
    const settings = readSettings(COORDINATE_SETTINGS, options);
    const { door, tokenSource } = doorOptionsOf(options, settings);
    await refuseWithoutToken(options);
    let opened!: (door: OpenDoor) => void;
    const listening = new Promise<OpenDoor>((resolve) => (opened = resolve));
    const done = runForProgram(options, {
      training: trainingOptionsOf(options, COORDINATOR_WORKERS),
      runDir: options.runDir,
      resume: options.resume,
      test: options.test ?? false,
      minWorkers: settings.minWorkers,
      waitTimeoutMs: 1000 * settings.waitTimeout,
      noWorkersRemedy: 'attach one with work(), or wait longer with waitTimeoutMs',
      coordinatorSettings: { tokenSource, ...keptSettings(settings, door) },
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
    const { url, page, join } = await Promise.race([listening, done.then(ended)]);
    return { url, token: door.token, page, join: join?.link, done };
  });
}

function ended(): never {
  throw new Error('a run ended before it listened');
}

/** @throws LockstepError E_OPTION */
function doorOptionsOf(
  { host = '127.0.0.1', port = 7070, tls, token: given, ...page }: CoordinateOptions,
  { advertise, insecure, maxNodes, heartbeatTimeout }: DoorValues,
): { readonly door: ListenOptions; readonly tokenSource: TokenSource } {
  checkHost(host);
  checkPort(port);
  checkToken(given);
  const join = joinOf(page);
  refuseSharedSecret(join?.token, { token: given, uiToken: page.uiToken });
  const { token, source } = doorTokenFor(given, { host, advertise, joinToken: join?.token });
  return {
    door: {
      ...{ host, port, token, advertise, insecure, maxNodes },
      tls: tlsOf(tls, insecure),
      heartbeatTimeoutMs: 1000 * heartbeatTimeout,
      ...{ page: pageOf(page), join },
    },
    tokenSource: source,
  };
}

/** @throws LockstepError E_OPTION */
function pageOf({ ui = false, uiToken }: Pick<CoordinateOptions, 'ui' | 'uiToken'>): DoorPage | undefined {
  if (typeof ui !== 'boolean') {
    throw new LockstepError('E_OPTION', 'ui must be true or false; true serves the page at host and port');
  }
  checkToken(uiToken, 'uiToken');
  if (ui) return { viewToken: uiToken, attachCommand };
  if (uiToken === undefined) return undefined;
  throw new LockstepError('E_OPTION', 'uiToken is the secret of a page that is not served; give ui: true');
}

/** @throws LockstepError E_OPTION */
function joinOf({
  join = false,
  joinToken,
}: Pick<CoordinateOptions, 'join' | 'joinToken'>): DoorJoin | undefined {
  if (typeof join !== 'boolean') {
    throw new LockstepError('E_OPTION', 'join must be true or false; true serves /join at host and port');
  }
  checkToken(joinToken, 'joinToken');
  return join || joinToken !== undefined ? { hasPage: join, token: joinToken } : undefined;
}

type DoorValues = ValuesOf<typeof COORDINATE_SETTINGS>;

/** The workers still show the previous token, which is not stored. @throws LockstepError E_OPTION */
async function refuseWithoutToken({ resume, token }: CoordinateOptions): Promise<void> {
  if (resume === undefined || token !== undefined || (await readTokenSource(resume)) !== 'given') return;
  throw new LockstepError(
    'E_OPTION',
    `the workers of the run in ${resume} show a token that was given, and it is not kept; give it again as token, or another one and start the workers anew with it`,
  );
}

/** For config.json, where a coordinator that resumes the run looks. */
function keptSettings(settings: DoorValues, { host, port }: ListenOptions): CoordinatorSettings {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { listen: addressText(host, port), ...Object.fromEntries(given) };
}
