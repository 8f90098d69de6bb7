/** A page that tells of one run or several: everything inline, so that it can be mailed, kept and printed. */

import path from 'node:path';
import { readEvaluation } from '../../coordinator/index.js';
import type { Evaluation } from '../../coordinator/index.js';
import { History } from '../folders/history.js';
import type { EpochPoint, Happening, RunSummary, WorkerShare } from '../folders/runData.js';
import { summariseRun } from '../folders/runSummary.js';
import { readSmallJson } from '../folders/smallJson.js';
import {
  configText,
  countText,
  durationText,
  eventDetails,
  eventName,
  measureText,
  momentText,
  stateText,
} from '../folders/wording.js';
import { evaluationSection, workersSection } from './findings.js';
import { html } from './html.js';
import type { Html } from './html.js';
import { percent, table } from './table.js';
import { linePlot } from './linePlot.js';
import type { Line } from './linePlot.js';
import { STYLE } from './style.js';

export interface ReportOptions {
  /** ISO 8601. */
  readonly madeAt: string;
  readonly version: string;
  /** How the same is trained again, from the run's config.json. */
  readonly commandFor: (
    config: Readonly<Record<string, unknown>>,
    folder: string,
  ) => Reproduction | undefined;
}

export interface Reproduction {
  readonly command: string;
  /** What has to be put into it first. */
  readonly note: string | undefined;
}

interface ReportedRun {
  readonly summary: RunSummary;
  readonly config: Readonly<Record<string, unknown>>;
  readonly epochs: readonly EpochPoint[];
  readonly happenings: readonly Happening[];
  readonly workers: readonly WorkerShare[];
  /** The latest. */
  readonly evaluation: Evaluation | undefined;
  readonly colourClass: string;
}

const COLOURS = 8;
/** Steps are not shown: a report compares epochs. */
const NO_STEPS = 0;
const MOST_EVENTS_SHOWN = 100;

/** @returns the whole page */
export async function reportPage(folders: readonly string[], options: ReportOptions): Promise<string> {
  const runs = await Promise.all(folders.map(readRun));
  const title = runs.length === 1 ? runs[0]!.summary.name : `${runs.length} runs`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <title>${title} - Lockstep report</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        ${overview(runs)}
        <section class="plots">${plots(runs)}</section>
        ${runs.length > 1 ? comparison(runs) : undefined} ${runs.map((run) => details(run, options))}
        <footer>Made by Lockstep ${options.version} at ${momentText(options.madeAt)}.</footer>
      </body>
    </html> `;
  return page.markup;
}

async function readRun(folder: string, index: number): Promise<ReportedRun> {
  const history = new History(folder, NO_STEPS);
  await history.readOn();
  const summary = await summariseRun(folder);
  const { latestEvaluation } = summary;
  return {
    summary,
    workers: history.workers,
    evaluation: latestEvaluation === null ? undefined : await readEvaluation(folder, latestEvaluation),
    config: readSmallJson(path.join(folder, 'config.json')) ?? {},
    epochs: history.epochs,
    happenings: history.happenings,
    colourClass: `line${index % COLOURS}`,
  };
}

function overview(runs: readonly ReportedRun[]): Html {
  const titles = [
    'run',
    'state',
    'model',
    'data',
    'epochs',
    'best validation',
    'test',
    'images/s',
    'time',
    'exact',
  ];
  const rows = runs.map(({ summary, colourClass }) => ({
    heading: [html`<span class="key ${colourClass}"></span>`, summary.name],
    cells: [
      stateText(summary.state, summary.stoppedBy),
      summary.model,
      summary.dataset,
      `${summary.epochsCompleted}/${summary.epochs ?? '?'}`,
      percent(summary.bestValidationAccuracy),
      percent(summary.testAccuracy),
      summary.imagesPerSecond === null ? undefined : countText(Math.round(summary.imagesPerSecond)),
      summary.wallSeconds === null ? undefined : durationText(summary.wallSeconds),
      summary.exact === null ? undefined : summary.exact ? 'yes' : 'no',
    ],
  }));
  return table(titles, rows);
}

function plots(runs: readonly ReportedRun[]): readonly (Html | undefined)[] {
  const x = { xTitle: 'epoch', isWholeX: true };
  return [
    linePlot(linesOf(runs, 'validationAccuracy', 'trainAccuracy'), {
      title: 'Accuracy (solid: validation, dashed: training)',
      ...x,
      label: (value) => percent(value) ?? '',
    }),
    linePlot(linesOf(runs, 'validationLoss', 'trainLoss'), {
      title: 'Loss (solid: validation, dashed: training)',
      ...x,
      label: measureText,
    }),
    linePlot(linesOf(runs, 'lr'), { title: 'Learning rate', ...x, label: measureText }),
    linePlot(linesOf(runs, 'imagesPerSecond'), { title: 'Images per second', ...x, label: measureText }),
  ];
}

type Field =
  'validationAccuracy' | 'trainAccuracy' | 'validationLoss' | 'trainLoss' | 'lr' | 'imagesPerSecond';

function linesOf(runs: readonly ReportedRun[], solid: Field, dashed?: Field): readonly Line[] {
  return runs.flatMap(({ summary, epochs, colourClass }) =>
    [solid, ...(dashed === undefined ? [] : [dashed])].map((field) => ({
      name: `${summary.name}: ${field}`,
      colourClass,
      isDashed: field === dashed,
      points: epochs.flatMap((point) => {
        const y = point[field];
        return y === null ? [] : [{ x: point.epoch, y }];
      }),
    })),
  );
}

/** The options in which the runs differ. */
function comparison(runs: readonly ReportedRun[]): Html {
  const texts = (key: string): readonly string[] => runs.map(({ config }) => configText(key, config[key]));
  const keys = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))].filter(
    (key) => new Set(texts(key)).size > 1,
  );
  if (keys.length === 0) return html`<p>All options are equal.</p>`;
  const titles = ['option', ...runs.map(({ summary }) => summary.name)];
  return html`<h2>Options that differ</h2>
    ${table(
      titles,
      keys.map((key) => ({ heading: key, cells: texts(key) })),
    )}`;
}

function unreadable(name: string | null): Html | undefined {
  if (name === null) return undefined;
  return html`<h3>Evaluation</h3>
    <p>${name} is damaged, and is not shown; evaluate the run again.</p>`;
}

function details(run: ReportedRun, { commandFor }: ReportOptions): Html {
  const { summary, config, happenings } = run;
  const again = commandFor(config, summary.folder);
  return html`<section>
    <h2>${summary.name}</h2>
    <p class="path">${summary.folder}</p>
    ${summary.weightsSha256 === null ? undefined : html`<p>Weights SHA-256 <code>${summary.weightsSha256}</code></p>`}
    ${
      again === undefined
        ? undefined
        : html`<p>Train the same again:</p>
            <pre>${again.command}</pre>
            ${again.note === undefined ? undefined : html`<p>${again.note}</p>`}`
    }
    ${workersSection(run.workers)}
    ${run.evaluation === undefined ? unreadable(summary.latestEvaluation) : evaluationSection(run.evaluation)}
    <details>
      <summary>Options and machine</summary>
      <table>
        <tbody>
          ${Object.entries(config).map(
            ([key, value]) =>
              html`<tr>
                <th scope="row">${key}</th>
                <td>${configText(key, value)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>
    <details>
      <summary>Events (${happenings.length})</summary>
      <table>
        <tbody>
          ${happenings.slice(-MOST_EVENTS_SHOWN).map(
            ({ time, line }) =>
              html`<tr>
                <td>${time === null ? undefined : momentText(time)}</td>
                <th scope="row">${eventName(line['event'])}</th>
                <td>${eventDetails(line)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>
  </section>`;
}
