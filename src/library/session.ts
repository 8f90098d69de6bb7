/** Runs a session for a program. */

import type { RunResult } from '../coordinator/index.js';
import { LockstepError } from '../foundation/errors.js';
import { RunLog, runTrainingSession } from '../session/index.js';
import type { SessionOptions } from '../session/index.js';
import type { Subscriber } from '../watch/index.js';
import { openData } from './data.js';
import type { RunOptions } from './options.js';
import { IN_PROGRAM } from './words.js';

/** What a run came to, and where it lies. */
export interface TrainedRun extends RunResult {
  readonly runDir: string;
}

export async function runForProgram(options: RunOptions, session: SessionOptions): Promise<TrainedRun> {
  const { signal = new AbortController().signal, onEvent, onDownload, cacheDir } = options;
  const data = options.data === undefined ? undefined : openData(options.data);
  const log = new RunLog({
    subscribers: onEvent ? [callback(onEvent)] : [],
    onDownload: (progress) => undisturbed(() => onDownload?.(progress)),
    wording: IN_PROGRAM,
  });
  // Whoever controls the live page may stop the run; a program's own signal does the same.
  const stop = new AbortController();
  const requestStop = (who: string): void => {
    log.notice(`stopped on the live page, by a viewer at ${who}: saving, then stopping`);
    stop.abort(new Error('stopped on the live page'));
  };
  const context = {
    ...{ log, data, requestStop, cacheFolder: cacheDir },
    signal: AbortSignal.any([signal, stop.signal]),
  };
  const { result, runDir } = await runTrainingSession(session, context).finally(() => log.close());
  return { ...result, runDir };
}

/** What it throws ends its subscription, and is an uncaught exception of the program besides. */
function callback(onEvent: NonNullable<RunOptions['onEvent']>): Subscriber {
  return {
    name: 'the callback onEvent',
    on: async (event) => {
      try {
        await onEvent(event);
      } catch (error) {
        raise(error);
        throw error;
      }
    },
  };
}

function undisturbed(call: () => void): void {
  try {
    call();
  } catch (error) {
    raise(error);
  }
}

/** As with Node's own events, what a callback throws is an uncaught exception of the program; the run goes on. */
function raise(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** @throws LockstepError E_OPTION */
export function refuseIncomplete({ data, resume, runDir }: RunOptions): void {
  if (resume !== undefined && runDir !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `resume ${resume} continues in its own folder; leave runDir ${runDir} out`,
    );
  }
  if (resume !== undefined || data !== undefined) return;
  throw new LockstepError(
    'E_OPTION',
    'a new run needs data; give some, such as data: syntheticData(), or data: await loadCifar10(dataDir)',
  );
}
