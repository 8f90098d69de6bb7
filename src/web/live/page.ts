/** The live page: asks for the runs every second, and for the curves of those that are selected and have grown. */

import type { ListedRun, RunAnswer } from '../../watch/live/api.js';
import { fetchRun, fetchRuns, keepToken, takeTokenFromAddress, TokenNeeded } from './api.js';
import { Charts, saveAs } from './charts.js';
import { differences, runFacts, runRecord } from './details.js';
import { byId } from './dom.js';
import { glance } from './glance.js';
import { RunPanels } from './runPanels.js';
import { RunTable } from './runTable.js';
import { Selection } from './selection.js';
import type { XAxis } from './series.js';

const POLL_MS = 1000;
/** Shown at first: the runs that changed last. */
const SHOWN_AT_FIRST = 4;

const status = byId('status', HTMLElement);
const glanceBox = byId('glance', HTMLElement);
const details = byId('details', HTMLElement);
const record = byId('record', HTMLElement);
const panels = new RunPanels(byId('panels', HTMLElement));
const xAxis = byId('x-axis', HTMLSelectElement);
const smoothing = byId('smoothing', HTMLInputElement);
const log = byId('log', HTMLInputElement);

const selection = new Selection();
const charts = new Charts(byId('charts', HTMLElement));
const table = new RunTable(byId('runs', HTMLElement), selection, {
  onToggle: (id) => {
    selection.toggle(id);
    void refreshNow();
  },
  onOpen: (id) => {
    opened = id;
    selection.add(id);
    void refreshNow().then(() => details.scrollIntoView({ behavior: 'smooth', block: 'nearest' }));
  },
});

/** What changes all the time in a run that is running; it stands in the glance. */
const UNSETTLED = {
  ...{ imagesPerSecond: 0, secondsLeft: 0, stepsCompleted: 0 },
  ...{ recentLoss: 0, recentAccuracy: 0, updatedAt: '' },
};

let runs: readonly ListedRun[] = [];
/** The run that is looked into. */
let opened: string | undefined;
let isFirst = true;
/** By id, with what its row said when they were fetched. */
const answers = new Map<string, { readonly row: string; readonly answer: RunAnswer }>();
let detailsDrawn = '';
let glanceDrawn = '';
let hasTriedToken = false;

/** Between two polls, which tell what goes wrong. */
async function refreshNow(): Promise<void> {
  await refresh().catch(() => undefined);
}

async function refresh(): Promise<void> {
  const answer = await fetchRuns();
  runs = answer.runs;
  byId('root', HTMLElement).textContent = `${answer.root} · version ${answer.version}`;
  selection.keepOnly(new Set(runs.map(({ id }) => id)));
  if (isFirst) selectLatest();
  table.show(runs);
  if (!runs.some(({ id }) => id === opened)) opened = undefined;
  const wanted = new Set([...selection.ids, ...(opened === undefined ? [] : [opened])]);
  await Promise.all([...wanted].map(fetchIfChanged));
  draw();
}

/** The latest runs are drawn, and of these one that is running, or else the latest, is looked into. */
function selectLatest(): void {
  if (runs.length === 0) return;
  isFirst = false;
  const latest = [...runs]
    .sort((a, b) => ((a.updatedAt ?? '') < (b.updatedAt ?? '') ? 1 : -1))
    .slice(0, SHOWN_AT_FIRST);
  latest.forEach(({ id }) => selection.add(id));
  opened ??= (latest.find(({ state }) => state === 'running') ?? latest[0]!).id;
}

async function fetchIfChanged(id: string): Promise<void> {
  const withSteps = xAxis.value === 'step';
  const row = JSON.stringify([runs.find((run) => run.id === id), withSteps]);
  if (answers.get(id)?.row === row) return;
  answers.set(id, { row, answer: await fetchRun(id, withSteps) });
}

function draw(): void {
  const drawn = selection.ids.flatMap((id) => {
    const answer = answers.get(id)?.answer;
    return answer ? [{ answer, colour: selection.colourOf(id)! }] : [];
  });
  charts.show(drawn, {
    axis: xAxis.value as XAxis,
    smoothing: Number(smoothing.value),
    isLogarithmic: log.checked,
  });
  drawDetails(drawn.map(({ answer }) => answer));
}

/** Only if something changed: a table that is scrolled would jump. */
function drawDetails(shown: readonly RunAnswer[]): void {
  const run = runs.find(({ id }) => id === opened);
  const answer = opened === undefined ? undefined : answers.get(opened)?.answer;
  void panels.show(run, answer);
  const glanced = JSON.stringify([run, answer?.epochs.length, answer?.happenings.length]);
  if (glanced !== glanceDrawn) {
    glanceDrawn = glanced;
    glanceBox.replaceChildren(...(run ? glance(run, answer) : []));
  }
  // The speed of a running run changes all the time, and stands above.
  const settled = run && { ...run, ...UNSETTLED };
  const state = JSON.stringify([
    shown.map(({ id, config }) => [id, config]),
    settled,
    answer?.happenings.length,
  ]);
  if (state === detailsDrawn) return;
  detailsDrawn = state;
  details.replaceChildren(...differences(shown), ...(run && answer ? runFacts(run, answer) : []));
  record.replaceChildren(...(answer ? runRecord(answer) : []));
}

async function poll(): Promise<void> {
  try {
    if (!document.hidden) await refresh();
    show('main');
    tell('live', false);
  } catch (error) {
    if (error instanceof TokenNeeded) {
      show('login');
      return tell(hasTriedToken ? 'the token is wrong' : '', hasTriedToken);
    }
    tell(error instanceof TypeError ? 'the server does not answer; trying again' : String(error), true);
  }
  setTimeout(() => void poll(), POLL_MS);
}

function tell(text: string, isBad: boolean): void {
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle('bad', isBad);
}

function show(what: 'main' | 'login'): void {
  byId('main', HTMLElement).hidden = what !== 'main';
  byId('login', HTMLFormElement).hidden = what !== 'login';
}

byId('login', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken(byId('token', HTMLInputElement).value);
  hasTriedToken = true;
  void poll();
});
byId('filter', HTMLInputElement).addEventListener('input', (event) => {
  table.setFilter((event.target as HTMLInputElement).value);
});
for (const control of [smoothing, log]) control.addEventListener('input', draw);
smoothing.addEventListener('input', () => {
  byId('smoothing-value', HTMLElement).textContent = smoothing.value === '0' ? 'off' : smoothing.value;
});
xAxis.addEventListener('input', () => void refreshNow());
byId('csv', HTMLButtonElement).addEventListener('click', () => {
  saveAs(new Blob([charts.csv()], { type: 'text/csv' }), 'runs.csv');
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  charts.restyle();
  draw();
});

takeTokenFromAddress();
void poll();
