/** What the user can do after a run: the commands to paste. */

import path from 'node:path';
import { CheckpointFiles } from '../../coordinator/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { LockstepError } from '../../foundation/errors.js';
import type { SessionOutcome } from '../../session/index.js';
import type { ResumeCommand } from '../../watch/index.js';
import { defaultDataDir } from '../options/dataDir.js';

export interface Continuation {
  /** That continues the run. */
  readonly command: 'train' | 'coordinator' | 'launch';
  /** What it needs besides `--resume`. */
  readonly options: CommandOptions;
  /** Said below that command. */
  readonly noteOnResuming?: string | undefined;
}

export function continueLine(continuation: Continuation, runDir: string): string {
  const { command, note } = resumeCommand(continuation, runDir);
  return `continue with: ${command}${note === null ? '' : `\n${note}`}`;
}

export function resumeCommand(
  { command, options, noteOnResuming }: Continuation,
  runDir: string,
): ResumeCommand {
  return { command: commandLine(command, { ...options, resume: runDir }), note: noteOnResuming ?? null };
}

/** For a run that is complete. @returns undefined if it was tested, or its data have nothing to test it with */
export function evaluateLine({ runDir, recipe, settings, hasTest }: SessionOutcome): string | undefined {
  if (settings.test || !hasTest) return undefined;
  const { dataDir } = settings;
  const needsNoData = recipe.dataset === 'synthetic' || dataDir === defaultDataDir();
  return `test it with: ${commandLine('evaluate', runDir, needsNoData ? {} : { dataDir })}`;
}

/** Errors after which the same run would fail again. */
const FUTILE_TO_RESUME: ReadonlySet<string> = new Set(['E_DIVERGED', 'E_RUN_EXISTS']);

/** Recommends to resume only where that can help. */
export function afterError(continuation: Continuation, runDir: string, error: unknown): string {
  if (!new CheckpointFiles(path.join(runDir, 'checkpoints')).exist())
    return 'stopped by an error, before anything was saved';
  const isFutile = error instanceof LockstepError && FUTILE_TO_RESUME.has(error.code);
  const kept = 'stopped by an error; what was saved is kept';
  return isFutile ? kept : `${kept}. ${continueLine(continuation, runDir)}`;
}
