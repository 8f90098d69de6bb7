/** Which data a `lockstep data` command looks at, read as a run would read them. */

import type { Command } from 'commander';
import {
  checkContradictions,
  DATASET_IN_FOLDER,
  locateDataset,
  READING_OPTIONS,
  RECIPE_OPTIONS,
  withDefaults,
} from '../../coordinator/index.js';
import { DATASET_NAMES } from '../../data/index.js';
import type { DatasetName, SourceOptions } from '../../data/index.js';
import { variant } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { dataDirSetting, sourceOptions } from '../../session/index.js';
import { chooseDisplay } from '../display/chooseDisplay.js';
import { listenForStop } from '../process/stopSignal.js';
import { printError } from '../process/terminal.js';

export const SOURCE_SETTINGS = {
  dataset: {
    ...variant(RECIPE_OPTIONS.dataset, {
      default: 'cifar10',
      help: 'cifar10, cifar100, folder:DIR, idx:DIR or synthetic',
    }),
    kind: { kind: 'choice', of: DATASET_NAMES, also: DATASET_IN_FOLDER },
    defaultText: 'cifar10',
  } as const,
  dataDir: dataDirSetting('folder that holds the data'),
  ...READING_OPTIONS,
};

export type RawSource = ValuesOf<typeof SOURCE_SETTINGS>;

export interface Source {
  readonly name: DatasetName;
  readonly options: SourceOptions;
}

/** @throws LockstepError E_OPTION for options that have no effect on these data, or two folders */
export function sourceOf(command: Command): Pick<Source, 'name'> & { readonly raw: RawSource } {
  const raw = command.opts<RawSource>();
  const isGiven = (key: string): boolean => command.getOptionValueSource(key) === 'cli';
  const located = locateDataset(raw.dataset, isGiven('dataDir') ? raw.dataDir : undefined);
  const given = new Set(Object.keys(READING_OPTIONS).filter(isGiven));
  const reading = Object.fromEntries(
    Object.keys(READING_OPTIONS).map((key) => [key, raw[key as keyof RawSource]]),
  );
  checkContradictions(withDefaults({ ...reading, dataset: located.dataset }), given);
  return {
    name: located.dataset as DatasetName,
    raw: { ...raw, dataDir: located.dataDir ?? raw.dataDir },
  };
}

/** Shows the progress of decoding while `look` works, and stops it at a signal. */
export async function lookAt(
  { name, raw }: ReturnType<typeof sourceOf>,
  { json }: { readonly json: boolean },
  look: (source: Source) => Promise<void>,
): Promise<void> {
  const display = chooseDisplay({ json });
  const stop = listenForStop(() => undefined);
  try {
    const options = sourceOptions({
      dataDir: raw.dataDir,
      reading: raw,
      signal: stop.signal,
      onDecoding: (progress) => display.decoding(progress),
      onNotice: (message) => printError(`lockstep: ${message}`),
    });
    await look({ name, options });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    display.close();
    stop.dispose();
  }
}
