/** How remote nodes come in to a run. */

import { EVALUATION_CHUNK, listen, mergeRoutes, ServedHosts } from '../coordinator/index.js';
import type { Fleet, Routes } from '../coordinator/index.js';
import type { EngineName } from '../engine/index.js';
import type { Sentence } from '../foundation/options/optionError.js';
import type { Model } from '../model/index.js';
import { largestFrameBytes } from '../protocol/index.js';
import { joinRoutes, readJoinFiles, RunLosses } from '../watch/index.js';
import type { AttachCommand } from '../watch/index.js';
import { advertisedUrl, privateAuthorityOf } from './advertised.js';
import type { Door, DoorReports } from './doorReports.js';
import { joinLink, joinTokenFor } from './joinToken.js';
import type { DoorJoin } from './joinToken.js';
import { livePage } from './livePage.js';
import { withMonitoring } from './monitoring.js';
import { splitAdvertised } from './options/values.js';

export interface PreparedDoor {
  /** What the nodes compute with, if this process starts them. */
  readonly engine: EngineName | undefined;
  /** Lets remote nodes in. */
  open(fleet: Fleet, model: Model, reports: DoorReports): Promise<Door>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** What nodes must show; undefined: nothing, which is allowed on loopback only. */
  readonly token: string | undefined;
  /** Certificate chain and private key, PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** The file that the certificate came from, for the command that attaches a worker. */
  readonly tlsCertFile?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** HOST or HOST:PORT by which nodes reach this machine. */
  readonly advertise: string | undefined;
  /** Listen beyond loopback without TLS. */
  readonly insecure: boolean;
  readonly heartbeatTimeoutMs: number;
  readonly maxNodes: number;
  /** The live page on the same port; undefined: none. */
  readonly page?: DoorPage | undefined;
  /** How browser tabs attach; undefined: they cannot. */
  readonly join?: DoorJoin | undefined;
}

export interface DoorPage {
  /** What viewers must show, who may see and nothing else; undefined: only the token opens the page. */
  readonly viewToken: string | undefined;
  readonly attachCommand: (
    at: Pick<OpenDoor, 'url' | 'ca'> & { readonly token: string | undefined },
  ) => AttachCommand;
}

/** A door that listens for nodes. */
export interface OpenDoor extends Door {
  /** To attach nodes by. */
  readonly url: string;
  /** The certificate file that nodes must be told to trust, if any. */
  readonly ca: string | undefined;
  /** Of the live page, without a secret. */
  readonly page: string | undefined;
  /** Where browser tabs attach. */
  readonly join: OpenJoin | undefined;
}

export interface OpenJoin {
  /** Without a secret. */
  readonly page: string;
  /** With it. */
  readonly link: string;
}

/** @throws LockstepError E_LISTEN */
export async function openDoor(
  fleet: Fleet,
  model: Model,
  reports: DoorReports,
  options: ListenOptions,
): Promise<OpenDoor> {
  const { host, advertise, token, tokenFile, tls, tlsCertFile } = options;
  const opened: { attach?: AttachCommand | undefined; join?: OpenJoin | undefined } = {};
  const secrets = { control: token, view: options.page?.viewToken };
  const page =
    options.page &&
    livePage(fleet, reports, { secrets, attach: () => opened.attach, join: () => opened.join?.link });
  const tabs = options.join?.hasPage === true ? tabsPage(fleet, reports, options) : undefined;
  const joinToken = options.join && (await joinTokenFor(token, options.join));
  const server = await listen({
    ...options,
    ...nodesInto(fleet, model),
    ...{ joinToken, tabsAt: tabs?.hosts },
    routes: mergeRoutes(
      await withMonitoring(page?.routes, fleet, reports, secrets),
      tabs?.routes ?? new Map(),
    ),
    onRefused: (address, reason) => fleet.connectionRefused(address, reason),
  });
  const { url, warning, byAddress } = advertisedUrl({ host, port: server.port, cert: tls?.cert, advertise });
  const authority = tls && privateAuthorityOf(tls.cert);
  const ca = authority === 'in-file' ? tlsCertFile : undefined;
  opened.attach = options.page?.attachCommand({ url, ca, token });
  const pageUrl = page && `${url.replace(/^ws/, 'http')}/`;
  const joinPage = `${byAddress.replace(/^ws/, 'http')}/join`;
  opened.join = tabs && { page: joinPage, link: joinLink(joinPage, joinToken) };
  reports.onEvent({ event: 'listening', url, tokenRequired: token !== undefined, ca, tokenFile });
  if (pageUrl !== undefined) {
    const loginRequired = (token ?? options.page?.viewToken) !== undefined;
    reports.onEvent({ event: 'page', url: pageUrl, loginRequired });
  }
  if (warning !== undefined) reports.notice(warning);
  if (authority === 'elsewhere') reports.say(ADD_AUTHORITY);
  return {
    ...{ url, ca, page: pageUrl, join: opened.join },
    close: async () => {
      await page?.close();
      await server.close();
    },
  };
}

/** The page that attaches browser tabs, and the names by which they may ask for it. */
function tabsPage(
  fleet: Fleet,
  reports: DoorReports,
  { host, advertise, token, tls }: ListenOptions,
): {
  readonly hosts: ServedHosts;
  readonly routes: Routes;
} {
  const advertised = advertise === undefined ? undefined : splitAdvertised(advertise)?.host;
  const names = [host, ...(advertised === undefined ? [] : [advertised])];
  const hosts = new ServedHosts({ names, cert: tls?.cert, onlyLoopback: token === undefined });
  const losses = new RunLosses();
  reports.subscribe(losses);
  const routes = joinRoutes({
    ...{ files: readJoinFiles(), hosts },
    isAttached: (nodeSecret) => fleet.isAttached(nodeSecret),
    losses: () => losses.list(),
  });
  return { hosts, routes };
}

/** What a server needs to let remote nodes into a fleet: the largest frame of a node, and a handler for each new channel. */
export function nodesInto(
  fleet: Fleet,
  { layout, classCount }: Model,
): Pick<Parameters<typeof listen>[0], 'maxFrameBytes' | 'onChannel'> {
  return {
    maxFrameBytes: largestFrameBytes({
      ...layout,
      samplesPerItem: EVALUATION_CHUNK,
      imageBytes: 0, // a node answers with gradients or logits
      classCount,
      wire: fleet.wire,
    }),
    onChannel: (channel) => fleet.admit(channel, { local: false }),
  };
}

const ADD_AUTHORITY: Sentence = [
  'machines do not trust the authority of this certificate by themselves: give its own certificate to each worker with ',
  { option: 'ca' },
];
