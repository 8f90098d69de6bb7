/** `lockstep relay URL`: stands between a coordinator and many nodes, and adds their gradients. */

import type { Command } from 'commander';
import { isLoopback, refuseUnusable } from '../../coordinator/index.js';
import type { RunEvent } from '../../coordinator/index.js';
import { commandLine, flagName } from '../../foundation/commandLine.js';
import { invariant, LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import {
  coordinatorUrl,
  doorTokenFor,
  relayFor,
  RELAY_SETTINGS,
  splitAddress,
  tlsFrom,
} from '../../session/index.js';
import type { RelayForOptions } from '../../session/index.js';
import { linesOf } from '../display/text.js';
import { entriesOf } from '../options/optionTable.js';
import { readTextFile } from '../options/readTextFile.js';
import { declareStopSignal, schedulerOf } from '../options/runOptions.js';
import { declareOptions } from '../options/trainingOptions.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import type { Scheduler } from '../process/stopSignal.js';
import { clearTextWarning, declareTokenOptions, resolveToken } from '../token/token.js';
import { CA_OPTION, readAuthority, say, statusLine } from './attaching.js';

const OPTIONS = { ...RELAY_SETTINGS, ...CA_OPTION };

interface RawOptions extends ValuesOf<typeof OPTIONS> {
  readonly token?: string;
  readonly tokenFile?: string;
}

export function addRelayCommand(program: Command): void {
  const command = program
    .command('relay')
    .description('pass the work of a coordinator on to nodes that attach here, and add their gradients')
    .argument('<url>', 'the coordinator, or another relay, such as ws://192.0.2.7:7070');
  declareOptions(command, entriesOf(OPTIONS));
  declareTokenOptions(command);
  declareStopSignal(command, 'finish the work in hand and leave');
  command.addHelpText('after', examples).action(async (urlText: string) => {
    process.exitCode = await relay(coordinatorUrl(urlText), command.opts<RawOptions>(), schedulerOf(command));
  });
}

async function relay(url: URL, options: RawOptions, scheduler: Scheduler | undefined): Promise<number> {
  const token = resolveToken(options);
  const door = doorOf(options, token);
  refuseItself(url, door, options.listen);
  await refuseUnusable(door);
  const ca = readAuthority(options.ca);
  const warning = clearTextWarning(url, token);
  if (warning !== undefined) say(warning);
  const stop = listenForStop(
    (signal) =>
      say(`${signal}: finishing work in progress${scheduler ? '' : '; a second signal stops at once'}`),
    say,
    scheduler,
  );
  try {
    const reason = await relayFor({
      url,
      token,
      ca,
      proxy: proxyFor(url),
      door,
      nodeName: options.name,
      retryForMs: 1000 * options.retryFor,
      heartbeatTimeoutMs: 1000 * options.heartbeatTimeout,
      signal: stop.signal,
      onStatus: (status) => say(statusLine(status)),
      onWelcome: ({ runName }, { name }) => say(`taking part in ${runName} (${name})`),
      onEvent: (event) => linesAbout(event).forEach(say),
      onNotice: say,
    });
    say(`done: ${reason}`);
    return stop.exitCode() ?? 0;
  } finally {
    stop.dispose();
  }
}

/** It waits as long as its coordinator does, not as long as its fleet would. */
function linesAbout(event: RunEvent): readonly string[] {
  return event.event === 'waiting' ? [`… waiting ${event.reason}`] : linesOf(event);
}

/** @throws LockstepError E_OPTION for the address that the relay itself listens on */
function refuseItself(url: URL, { host, port }: RelayForOptions['door'], listen: string): void {
  const isSameHost = hostOf(url) === host || (isLoopback(hostOf(url)) && isLoopback(host));
  if (!isSameHost || Number(url.port) !== port) return;
  throw new LockstepError(
    'E_OPTION',
    `--listen ${listen} is the address of ${url.href}, the coordinator of this relay; listen on another port`,
  );
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** @throws LockstepError E_OPTION if others could attach without a secret */
function doorOf(options: RawOptions, given: string | undefined): RelayForOptions['door'] {
  const { advertise, insecure, maxNodes, tlsCert, tlsKey, tokenFile } = options;
  const address = splitAddress(options.listen);
  invariant(address !== undefined, 'the option was checked when it was parsed');
  const { token, source } = doorTokenFor(given, { host: address.host, advertise });
  if (source === 'made') {
    throw new LockstepError(
      'E_OPTION',
      `--listen ${options.listen} can be reached from other machines, and there is no token; give the coordinator's with LOCKSTEP_TOKEN or --token-file: the nodes of this relay show the same`,
    );
  }
  return {
    ...address,
    token,
    tls: tlsFrom({ cert: tlsCert, key: tlsKey, insecure }, (file, option) =>
      readTextFile(flagName(option), file),
    ),
    tlsCertFile: tlsCert,
    tokenFile,
    advertise,
    insecure,
    maxNodes,
    heartbeatTimeoutMs: options.heartbeatTimeout * 1000,
  };
}

const examples = (): string => `
Example, for 16 machines behind one:
  LOCKSTEP_TOKEN=… ${commandLine('relay')} ws://192.0.2.7:7070 --listen 0.0.0.0:7071 --insecure
  LOCKSTEP_TOKEN=… ${commandLine('worker')} ws://RELAY:7071        # on each of the 16`;
