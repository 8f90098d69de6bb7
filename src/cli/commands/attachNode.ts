/** A node of this process alone: it serves a coordinator until the run ends, and says what happens. */

import { cacheFolder } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { workFor } from '../../session/index.js';
import type { WorkerSettings, WorkOptions } from '../../session/index.js';
import { WorkerReport } from '../display/workerReport.js';
import { errorText, sentenceInFlags } from '../options/inFlags.js';
import { endWithSupervisor, tellSupervisor } from '../process/gpus/supervised.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import type { Scheduler } from '../process/stopSignal.js';
import { clearTextWarning } from '../token/token.js';
import { readAuthority, say, statusLine } from './attaching.js';

export interface NodeToAttach
  extends Omit<WorkerSettings, 'name'>, Pick<WorkOptions, 'url' | 'token' | 'locate' | 'isThreadsGiven'> {
  readonly name: string;
  /** The file of the certificate authority to trust besides the public ones, and the option that named it. */
  readonly ca: { readonly option: 'ca' | 'tlsCert'; readonly file: string } | undefined;
  readonly scheduler?: Scheduler | undefined;
}

/** @returns the process's exit code */
export async function attachNode({ ca, scheduler, ...options }: NodeToAttach): Promise<number> {
  const { url, token } = options;
  const warning = clearTextWarning(url, token);
  if (warning !== undefined) say(warning);
  const proxy = proxyFor(url);
  if (proxy) say(`connecting by way of the proxy ${proxy.host} (HTTPS_PROXY; NO_PROXY makes exceptions)`);
  const stop = listenForStop(
    (signal) =>
      say(`${signal}: finishing work in progress${scheduler ? '' : '; a second signal stops at once'}`),
    say,
    scheduler,
  );
  endWithSupervisor();
  const report = new WorkerReport(say);
  try {
    const reason = await workFor({
      ...options,
      ca: ca && readAuthority(ca.file, ca.option),
      proxy,
      cacheFolder: cacheFolder(),
      signal: stop.signal,
      onNotice: (message) => say(`notice: ${sentenceInFlags(message)}`),
      onReady: (description, threads) =>
        say(
          `${threads} worker(s): ${description.name} on ${description.device}, numerics class ${description.numericsClass}`,
        ),
      onStatus: (status) => {
        if (status.kind === 'connected') tellSupervisor({ kind: 'connected' });
        say(statusLine(status));
      },
      onAnswered: report.answered,
      onWelcome: ({ runName }, { name }) => say(`taking part in ${runName} (${name})`),
    });
    say(`done: ${reason}`);
    return stop.exitCode() ?? 0;
  } catch (error) {
    const code = error instanceof LockstepError ? error.code : 'E_INTERNAL';
    tellSupervisor({ kind: 'failed', code, message: errorText(error) });
    throw error;
  } finally {
    stop.dispose();
    report.stop();
  }
}
