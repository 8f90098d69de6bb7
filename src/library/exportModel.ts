/** `exportModel`: the weights of a run for other programs. */

import { OptionError, use } from '../foundation/options/optionError.js';
import { exportCheckpoint, EXPORT_SETTINGS } from '../session/index.js';
import type { ExportOutcome } from '../session/index.js';
import { checkPath, refuseUnknown } from './checks.js';
import { asLibraryErrors } from './errors.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';

/** Besides what stands here: `format`, as on the command line. */
export interface ExportOptions extends GivenSettings<Pick<typeof EXPORT_SETTINGS, 'format'>> {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** A new or an empty folder. */
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const KEYS = [...namesOf(EXPORT_SETTINGS), 'checkpoint', 'signal', 'onNotice'];

/** @throws LockstepError, always; E_STOPPED if `signal` is aborted, and then nothing is written */
export function exportModel(options: ExportOptions): Promise<ExportOutcome> {
  return asLibraryErrors(() => {
    refuseUnknown(options, KEYS);
    checkPath('checkpoint', options.checkpoint);
    const { format, output } = readSettings(EXPORT_SETTINGS, options);
    if (output === undefined) {
      throw new OptionError(
        [{ option: 'output' }, ' must name a new or an empty folder for the files'],
        [use('output', 'exported')],
      );
    }
    return exportCheckpoint({
      ...{ checkpoint: options.checkpoint, format, output },
      signal: options.signal ?? new AbortController().signal,
      onNotice: (message) => options.onNotice?.(message),
    });
  });
}
