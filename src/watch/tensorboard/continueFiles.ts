/**
 * Makes the event files of earlier sessions agree with metrics.jsonl, from which a resumed run has taken the lines that it
 * computes again. Every curve's record comes from one line, so the last line says where both part.
 */

import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { metricsFileOf } from '../folders/findRuns.js';
import type { MetricsLine } from '../folders/metricsLines.js';
import { MetricsCursor } from '../follow/metricsCursor.js';
import { cutAt, cutIncomplete, eventFilesIn, eventsIn } from './eventFiles.js';
import type { PlacedEvent } from './eventFiles.js';
import { HPARAMS_TAG } from './eventMessages.js';
import { lastCurveLine } from './lastCurveLine.js';
import { isCurve, scalarsOf } from '../follow/curves.js';
import type { ScalarsOfLine } from '../follow/curves.js';

export interface Continuation {
  /** Stands behind the lines whose records are there. */
  readonly cursor: MetricsCursor;
  /** The last step whose records are there; 0 for none. */
  readonly lastStep: number;
  readonly hasHparams: boolean;
  /** Whether a reader may have seen steps that are written again. */
  readonly isResumed: boolean;
}

/** A line and its record have the same. */
interface Key {
  readonly timeMs: number;
  readonly firstTag: string;
}

/** Before the session appends to metrics.jsonl. @throws the error of the file system */
export async function continueFiles(folder: string): Promise<Continuation> {
  const files = await eventFilesIn(folder);
  const isResumed = files.length > 0;
  if (!isResumed) return fresh(folder, files);
  if (!hasContent(metricsFileOf(folder))) return beside(folder);
  const last = await lastCurveLine(metricsFileOf(folder));
  if (!last) return fresh(folder, files);
  const found = await searchRecord(files, keyOf(last));
  if (found.isThere) {
    if (found.after) await cutAt(found.after, files);
    else await cutIncomplete(files.at(-1)!);
    return { ...found, cursor: await MetricsCursor.atEnd(folder), isResumed };
  }
  // They lack the last lines, such as those that a killed process had not written yet.
  const { lastKey } = found;
  const cursor = lastKey && (await MetricsCursor.behind(folder, (line) => isLineOf(line, lastKey)));
  if (!cursor) return fresh(folder, files);
  await cutIncomplete(files.at(-1)!);
  return { ...found, cursor, isResumed };
}

/** The lines are lost from which the curves could be written again: those that are there stay as they are. */
function beside(folder: string): Continuation {
  return { cursor: new MetricsCursor(folder), lastStep: 0, hasHparams: false, isResumed: false };
}

function hasContent(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Writes everything again. */
async function fresh(folder: string, files: readonly string[]): Promise<Continuation> {
  for (const file of files) await rm(file);
  return { cursor: new MetricsCursor(folder), lastStep: 0, hasHparams: false, isResumed: files.length > 0 };
}

interface Search {
  readonly isThere: boolean;
  /** The first curve's record behind it, if any. */
  readonly after: PlacedEvent | undefined;
  /** Of the last curve's record. */
  readonly lastKey: Key | undefined;
  readonly lastStep: number;
  readonly hasHparams: boolean;
}

async function searchRecord(files: readonly string[], wanted: Key): Promise<Search> {
  let [isThere, hasHparams] = [false, false];
  let lastKey: Key | undefined;
  let lastStep = 0;
  for await (const event of eventsIn(files)) {
    const { firstTag = '', wallTime, step } = event.head;
    hasHparams ||= firstTag === HPARAMS_TAG;
    if (!isCurve(firstTag)) continue;
    if (isThere) return { isThere, after: event, lastKey, lastStep, hasHparams };
    lastKey = { timeMs: Math.round(wallTime * 1000), firstTag };
    lastStep = step;
    isThere = isSame(lastKey, wanted);
  }
  return { isThere, after: undefined, lastKey, lastStep, hasHparams };
}

function isLineOf(line: MetricsLine, key: Key): boolean {
  const curve = scalarsOf(line, 0);
  return curve !== undefined && isSame(keyOf(curve), key);
}

function keyOf({ moment, scalars }: ScalarsOfLine): Key {
  return { timeMs: moment.timeMs, firstTag: scalars[0]![0] };
}

function isSame(a: Key, b: Key): boolean {
  return a.timeMs === b.timeMs && a.firstTag === b.firstTag;
}
