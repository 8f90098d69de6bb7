/** The live page of the run of this process: put together from its fleet, its events and the files of the page. */

import type { Fleet } from '../coordinator/index.js';
import { LiveRun, LiveStream, OwnRun, pageOf, readPageFiles, servePage } from '../watch/index.js';
import type { AttachCommand, LivePart, Page, PageAddress, PageOptions } from '../watch/index.js';
import type { Door, DoorReports } from './doorReports.js';
import { withMonitoring } from './monitoring.js';

interface LivePageOptions {
  readonly secrets: PageOptions['secrets'];
  /** Undefined while nothing can attach. */
  readonly attach: () => AttachCommand | undefined;
  /** The link by which browser tabs attach, with its secret. */
  readonly join: () => string | undefined;
}

/** As part of another server. */
export function livePage(fleet: Fleet, reports: DoorReports, options: LivePageOptions): Page {
  return pageOf(pageOptions(fleet, reports, options));
}

/** On an address of its own. @throws LockstepError E_LISTEN */
export async function serveLivePage(
  fleet: Fleet,
  reports: DoorReports,
  { address, secrets }: { readonly address: PageAddress; readonly secrets: PageOptions['secrets'] },
): Promise<Door> {
  const options = pageOptions(fleet, reports, {
    secrets,
    attach: () => undefined,
    join: () => undefined,
  });
  const moreRoutes = await withMonitoring(undefined, fleet, reports, secrets);
  const server = await servePage({ ...address, ...options, moreRoutes });
  const url = `${server.url}/`;
  const loginRequired = (secrets.control ?? secrets.view) !== undefined;
  reports.onEvent({ event: 'page', url, loginRequired });
  return { close: () => server.close() };
}

function pageOptions(
  fleet: Fleet,
  { subscribe, requestStop, resumeCommand }: DoorReports,
  { secrets, attach, join }: LivePageOptions,
): PageOptions {
  const runs = new OwnRun();
  const run = new LiveRun(() => fleet.view(), {
    onFolder: (folder) => runs.is(folder),
    onResult: () => runs.end(),
    resumeCommand,
  });
  subscribe(run);
  const stop: LivePart['stop'] =
    requestStop &&
    ((who) => {
      run.stopping();
      requestStop(who);
    });
  return {
    secrets,
    runs,
    files: readPageFiles(),
    live: {
      stream: new LiveStream(() => JSON.stringify(run.view())),
      onClosing: () => run.end(),
      ...{ stop, attach, join },
    },
    onRefused: (address, reason) => fleet.connectionRefused(address, reason),
  };
}
