/** `lockstep coordinator`: listens for nodes, and trains on them. */

import type { Command } from 'commander';
import { refuseUnusable } from '../../coordinator/index.js';
import { commandLine, flagName } from '../../foundation/commandLine.js';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { invariant, LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import {
  attachCommand,
  doorTokenFor,
  openDoor,
  readCoordinatorSettings,
  readTokenSource,
  refuseSharedSecret,
  splitAddress,
  tlsFrom,
} from '../../session/index.js';
import type {
  COORDINATOR_WORKERS,
  DOOR_SETTINGS,
  Door,
  DoorJoin,
  DoorPage,
  ListenOptions,
  PreparedDoor,
  TokenSource,
  TrainingOptions,
} from '../../session/index.js';
import {
  coordinatorSettingsOf,
  overruledBy,
  rememberCoordinatorSettings,
} from '../options/coordinatorSettings.js';
import { dataDirArguments } from '../options/dataDir.js';
import { COORDINATOR_OPTIONS } from '../options/optionTable.js';
import { readTextFile } from '../options/readTextFile.js';
import {
  declareRunOptions,
  declareStopSignal,
  knownRecipes,
  schedulerOf,
  sessionOptionsOf,
  settleResume,
} from '../options/runOptions.js';
import { announceJoin } from '../token/joinNotice.js';
import {
  asksForQr,
  declareJoinOptions,
  declareQr,
  joinArguments,
  joinOf,
  mustGiveAgain,
} from '../token/joinOptions.js';
import { announceToken, NEW_TOKEN_ON_RESUME, NO_TOKEN_ANY_MORE } from '../token/tokenNotice.js';
import { declareTokenOptions, resolveToken } from '../token/token.js';
import { declareSharedPage, isPageShared, resolveUiToken } from '../options/uiOptions.js';
import { declareOptions, resolveTrainingOptions } from '../options/trainingOptions.js';
import { trainInTerminal } from './terminalSession.js';

interface RawOptions extends ValuesOf<typeof DOOR_SETTINGS>, ValuesOf<typeof COORDINATOR_WORKERS> {
  readonly token?: string;
  readonly tokenFile?: string;
}

export function addCoordinatorCommand(program: Command): void {
  const command = program
    .command('coordinator')
    .description('listen for workers, and train on those that attach')
    .addHelpText('after', () => `${knownRecipes()}${examples()}`);
  declareOptions(command, COORDINATOR_OPTIONS);
  declareRunOptions(command);
  declareStopSignal(command);
  declareTokenOptions(command);
  declareJoinOptions(command);
  declareQr(command);
  declareSharedPage(command);
  command.action(async () => {
    const isResumedIfThere = settleResume(command);
    const given = resolveTrainingOptions(command, COORDINATOR_OPTIONS);
    const { json, ...session } = sessionOptionsOf(command);
    const remembered =
      session.resume === undefined ? {} : await readCoordinatorSettings(session.resume, overruledBy(command));
    rememberCoordinatorSettings(command, remembered);
    const options = command.opts<RawOptions>();
    const tokenBefore = session.resume === undefined ? undefined : await readTokenSource(session.resume);
    const door = doorOptionsOf(options, tokenBefore, { join: joinOf(command), page: pageOf(command) });
    const coordinatorSettings = { ...coordinatorSettingsOf(command), tokenSource: door.tokenSource };
    const sessionOptions = {
      training: withWorkers(given, options.workers, 'workers' in remembered),
      ...session,
      coordinatorSettings,
      minWorkers: options.minWorkers,
      waitTimeoutMs: options.waitTimeout * 1000,
      noWorkersRemedy: `attach one with "${commandLine('worker', 'URL')}", or wait longer with --wait-timeout`,
      prepareDoor: async (): Promise<PreparedDoor> => {
        await refuseUnusable(door);
        return {
          engine: undefined,
          open: (...run) => openAndAnnounce(run, { ...door, json, qr: asksForQr(command) }),
        };
      },
    };
    const again = {
      ...dataDirArguments(given),
      ...tokenArguments(options),
      ...joinArguments(command),
      ...(isPageShared(command) ? {} : { ui: false }),
    };
    const note = noteOnResuming(door, options, mustGiveAgain(command));
    process.exitCode = await trainInTerminal(sessionOptions, {
      json,
      command: 'coordinator',
      isResumedIfThere,
      scheduler: schedulerOf(command),
      options: again,
      ...note,
    });
  });
}

export function pageOf(command: Command): DoorPage | undefined {
  if (!isPageShared(command)) return undefined;
  return { viewToken: resolveUiToken(command), attachCommand };
}

/** A number that the run remembers counts as given: it is what the user asked for. */
function withWorkers(training: TrainingOptions, workers: number, isRemembered: boolean): TrainingOptions {
  if (!isRemembered) return training;
  return { ...training, workers, given: new Set([...training.given, 'workers']) };
}

/** Workers that come back show the same token again: it must be the same file. */
function tokenArguments({ tokenFile }: RawOptions): CommandOptions {
  return tokenFile === undefined ? {} : { tokenFile };
}

/** What whoever resumes the run must know of the token, which Lockstep does not keep. */
function noteOnResuming(
  door: DoorOptions,
  { tokenFile }: RawOptions,
  withJoinToken: boolean,
): { readonly noteOnResuming?: string } {
  const notes = [
    ...(door.tokenSource === 'made' ? [`${NEW_TOKEN_ON_RESUME}.`] : []),
    ...(door.tokenSource === 'given' && tokenFile === undefined
      ? ['give the same token again, with LOCKSTEP_TOKEN or --token-file.']
      : []),
    ...(withJoinToken
      ? ['give the same secret for workers again, with LOCKSTEP_JOIN_TOKEN or --join-token-file.']
      : []),
  ];
  return notes.length === 0 ? {} : { noteOnResuming: notes.join('\n') };
}

interface DoorOptions extends ListenOptions {
  /** Whoever is to attach must be told of one that was made. */
  readonly tokenSource: TokenSource;
  /** In the previous session, if the run is resumed. */
  readonly tokenBefore: TokenSource | undefined;
}

/** Tells a new token to whoever started the coordinator, as well. */
async function openAndAnnounce(
  [fleet, model, log]: Parameters<PreparedDoor['open']>,
  options: DoorOptions & { readonly json: boolean; readonly qr: boolean },
): Promise<Door> {
  const { token, tokenSource, json, qr } = options;
  const say = (message: string): void => log.say(message);
  const door = await openDoor(fleet, model, log, options);
  if (token === undefined && options.tokenBefore === 'made') {
    log.notice(NO_TOKEN_ANY_MORE);
  }
  const notice =
    token === undefined || tokenSource !== 'made'
      ? undefined
      : announceToken({
          token,
          ...{ url: door.url, ca: door.ca, page: door.page },
          ...{ json, say },
          replacesAnother: options.tokenBefore === 'made',
        });
  if (door.join) announceJoin({ join: door.join, hasLivePage: door.page !== undefined, qr, json, say });
  return {
    close: () => {
      notice?.withdraw();
      return door.close();
    },
  };
}

/** @throws LockstepError E_OPTION for what cannot be meant or read */
function doorOptionsOf(
  options: RawOptions,
  tokenBefore: TokenSource | undefined,
  pages: { readonly join: DoorJoin; readonly page: DoorPage | undefined },
): DoorOptions {
  const { insecure, tlsCert, tlsKey, maxNodes } = options;
  const address = splitAddress(options.listen);
  invariant(address !== undefined, 'the option was checked when it was parsed');
  const given = resolveToken(options);
  if (given === undefined && tokenBefore === 'given') {
    throw new LockstepError(
      'E_OPTION',
      'the workers of this run show a token that was given, and it is not kept; give it again with LOCKSTEP_TOKEN or --token-file, or another one and restart the workers with it',
    );
  }
  const joinToken = pages.join.token;
  refuseSharedSecret(joinToken, { token: given, uiToken: pages.page?.viewToken });
  const { host } = address;
  const { token, source } = doorTokenFor(given, { host, advertise: options.advertise, joinToken });
  return {
    ...pages,
    ...address,
    token,
    tokenSource: source,
    tokenBefore,
    tls: tlsFrom({ cert: tlsCert, key: tlsKey, insecure }, (file, option) =>
      readTextFile(flagName(option), file),
    ),
    tlsCertFile: tlsCert,
    tokenFile: options.tokenFile,
    advertise: options.advertise,
    insecure,
    maxNodes,
    heartbeatTimeoutMs: options.heartbeatTimeout * 1000,
  };
}

const examples = (): string => `
Examples:
  ${commandLine('coordinator')} --dataset cifar10 --model resnet20 --min-workers 2
  ${commandLine('coordinator')} --listen 0.0.0.0:7070 --tls-cert cert.pem --tls-key key.pem
Then, on each machine that is to help, the command that the coordinator prints:
  LOCKSTEP_TOKEN=… ${commandLine('worker')} wss://HOST:7070`;
