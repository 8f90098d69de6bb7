/** A training session as the terminal shows it: its display, the signals that stop it, and what to do next. */

import type { RunEvent } from '../../coordinator/index.js';
import { cacheFolder } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { RunLog, runTrainingSession } from '../../session/index.js';
import type { SessionOptions } from '../../session/index.js';
import { BY_FLAG, errorText } from '../options/inFlags.js';
import { chooseDisplay } from '../display/chooseDisplay.js';
import { trackerSecrets } from '../options/trackerSecrets.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import type { Scheduler } from '../process/stopSignal.js';
import { afterError, continueLine, evaluateLine, resumeCommand } from './nextCommand.js';
import type { Continuation } from './nextCommand.js';

export interface TerminalOptions extends Continuation {
  readonly json: boolean;
  /** That started this process; undefined if a person did. */
  readonly scheduler?: Scheduler | undefined;
  /** The run was to be continued if there is one (`--resume auto`): one that is complete is no error then. */
  readonly isResumedIfThere?: boolean;
  /** Called when a signal has stopped the run, and all is saved and closed. */
  readonly onStopped?:
    ((cause: NodeJS.Signals | undefined, say: (text: string) => void) => Promise<void>) | undefined;
}

/** @returns the process's exit code */
export async function trainInTerminal(
  options: SessionOptions,
  { json, scheduler, isResumedIfThere = false, onStopped, ...continuation }: TerminalOptions,
): Promise<number> {
  const display = chooseDisplay({ json });
  let runDir: string | undefined;
  const onEvent = (event: RunEvent, timeMs: number): void => {
    if (event.event === 'run-started') ({ runDir } = event);
    display.event(event, timeMs);
  };
  const log = new RunLog({
    subscribers: [
      {
        name: 'the terminal',
        on: onEvent,
        onRemark: (message) => display.say(message),
        mayBeSlow: true,
      },
    ],
    onDownload: (progress) => display.download(progress),
    onDecoding: (progress) => display.decoding(progress),
    wording: BY_FLAG,
  });
  const stop = listenForStop(
    (signal) =>
      display.say(`${signal}: saving, then stopping${scheduler ? '' : '; once more stops at once'}`),
    (message) => log.notice(message),
    scheduler,
  );
  const onEnd = async (): Promise<void> => onStopped?.(stop.cause(), (text) => display.say(text));
  try {
    const requestStop = (who: string): void => {
      log.notice(`stopped on the live page, by a viewer at ${who}: saving, then stopping`);
      stop.request('the live page');
    };
    const { signal } = stop;
    const context = {
      log,
      signal,
      requestStop,
      resumeCommand: (folder: string) => resumeCommand(continuation, folder),
      proxyFor,
      cacheFolder: cacheFolder(),
      trackerSecrets: trackerSecrets(),
    };
    const outcome = await runTrainingSession(options, context).finally(() => log.close());
    if (outcome.result.stoppedBy === 'signal') {
      display.say(continueLine(continuation, outcome.runDir));
      await onEnd();
      return stop.exitCode() ?? 0;
    }
    const next = evaluateLine(outcome);
    if (next !== undefined) display.say(next);
    return 0;
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_STOPPED') {
      await onEnd();
      return stop.exitCode() ?? 1;
    }
    if (isResumedIfThere && error instanceof LockstepError && error.code === 'E_RUN_COMPLETE') {
      display.say(errorText(error));
      return 0;
    }
    if (runDir !== undefined) display.say(afterError(continuation, runDir, error));
    throw error;
  } finally {
    display.close();
    stop.dispose();
  }
}
