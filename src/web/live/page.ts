/**
 * The live page. Over a folder it asks for the runs every second; in the process of a run it is told what happens. Curves
 * are asked for when the runs that are selected have grown.
 */

import type { ListedRun, LiveView, MeAnswer, RunAnswer } from '../../watch/live/api.js';
import {
  fetchMe,
  fetchRun,
  fetchRuns,
  logIn,
  LoginNeeded,
  openLive,
  Refused,
  takeTokenFromAddress,
} from './api.js';
import { forget, keep, kept } from '../tabStorage.js';
import { Charts, saveAs } from './charts.js';
import { differences, runFacts, runRecord } from './details.js';
import { byId } from './dom.js';
import { glance } from './glance.js';
import { LOG_IN_ENDED, STARTED_AGAIN, wordsFor } from './messages.js';
import { headerButtons } from './run/controls.js';
import { phaseText } from './run/phase.js';
import { RunPanel } from './run/runPanel.js';
import { RunPanels } from './runPanels.js';
import { RunTable } from './runTable.js';
import { Selection } from './selection.js';
import type { XAxis } from './series.js';

const POLL_MS = 1000;
/** Curves over steps of a run that trains: each refresh sends all of them. */
const STEPS_REFRESH_MS = 2000;
/** For a run that has ended: it may be resumed at the same address. */
const COMES_BACK_MS = 3000;
/** Shown at first: the runs that changed last. */
const SHOWN_AT_FIRST = 4;
/** In the tab's memory, across a reload: the process had ended, and answers again. */
const CAME_BACK = 'lockstep-came-back';

const status = byId('status', HTMLElement);
const glanceBox = byId('run-glance', HTMLElement);
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
let me: MeAnswer = {
  right: 'none',
  canLogOut: false,
  shows: 'folder',
  canStop: false,
  attach: null,
  join: null,
};
const panel = new RunPanel();
/** Changes when the run of this process has new epochs or events. */
let version = '';
let lastView: LiveView | undefined;
let stepsShownMs = 0;
let closeLive = (): void => undefined;
/** The next poll, or the next attempt to follow the run. */
let nextTry: ReturnType<typeof setTimeout> | undefined;
/** The process has said that it ends: there is nothing more to follow. */
let hasEnded = false;
let glanceDrawn = '';

/** Between two polls, which tell what goes wrong. */
async function refreshNow(): Promise<void> {
  await refresh().catch(() => undefined);
}

async function refresh(): Promise<void> {
  const answer = await fetchRuns();
  runs = answer.runs;
  byId('root', HTMLElement).textContent =
    `${me.shows === 'run' ? (runs[0]?.name ?? '') : answer.root} · version ${answer.version}`;
  if (me.shows === 'run') opened = runs[0]?.id;
  selection.keepOnly(new Set(runs.map(({ id }) => id)));
  if (isFirst) selectLatest();
  if (me.shows === 'folder') table.show(runs);
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
  const grown =
    me.shows === 'run' ? [version, withSteps ? stepsShownMs : 0] : runs.find((run) => run.id === id);
  const row = JSON.stringify([grown, withSteps]);
  if (answers.get(id)?.row === row) return;
  answers.set(id, { row, answer: await fetchRun(id, withSteps, version) });
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
  drawGlance(run, answer);
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

function drawGlance(run: ListedRun | undefined, answer: RunAnswer | undefined): void {
  const view = me.shows === 'run' ? lastView : undefined;
  const state = JSON.stringify([run, answer?.epochs.length, answer?.happenings.length, view]);
  if (state === glanceDrawn) return;
  glanceDrawn = state;
  glanceBox.replaceChildren(...(run ? glance(run, answer, view) : []));
}

async function poll(): Promise<void> {
  const session = me;
  try {
    if (!document.hidden) await refresh();
    if (me === session) tell('live', false);
  } catch (error) {
    if (me === session) tellProblem(error);
  }
  // A log-out ends this poll; the next log-in starts another.
  if (me === session) nextTry = setTimeout(() => void poll(), POLL_MS);
}

function tellProblem(error: unknown): void {
  if (error instanceof LoginNeeded) return askToLogIn(LOG_IN_ENDED);
  tell(wordsFor(error), true);
}

/** The process of this run tells what happens as long as somebody looks. */
function follow(): void {
  closeLive();
  clearTimeout(nextTry);
  if (document.hidden || hasEnded || me.right === 'none') return;
  closeLive = openLive({
    onView,
    onEnded: onEnd,
    onLoggedOut: () => askToLogIn(LOG_IN_ENDED),
    onLost,
  });
}

function onLost(): void {
  tell('the run does not answer; trying again', true);
  panel.markStale(true);
  version = ''; // what was being fetched may be lost: fetch it again
  const session = me;
  const tryAgain = (): void => {
    clearTimeout(nextTry);
    nextTry = setTimeout(follow, POLL_MS);
  };
  void fetchMe().then(({ right }) => {
    if (right === 'none' && me === session) askToLogIn(STARTED_AGAIN);
    else tryAgain();
  }, tryAgain);
}

function onView(view: LiveView): void {
  // One epoch makes no curve yet.
  if (!lastView && view.epochsCompleted < 2) xAxis.value = 'step';
  lastView = view;
  tell(phaseText(view), false);
  panel.draw(view, runs[0]);
  drawGlance(runs[0], answers.get(runs[0]?.id ?? '')?.answer);
  const now = `${view.epochsCompleted}.${view.happeningCount}.${view.phase}`;
  const isStepsTime = xAxis.value === 'step' && view.nowMs - stepsShownMs >= STEPS_REFRESH_MS;
  if (now === version && !isStepsTime && runs.length > 0) return;
  version = now;
  if (isStepsTime) stepsShownMs = view.nowMs;
  const session = me;
  void refresh().then(
    () => panel.draw(view, runs[0]),
    (error: unknown) => error instanceof LoginNeeded && me === session && askToLogIn(LOG_IN_ENDED),
  );
}

function onEnd(): void {
  hasEnded = true;
  const how = lastView ? phaseText(lastView) : '';
  tell(lastView?.phase === 'ended' ? how : 'the process has ended', false);
  byId('actions', HTMLElement).replaceChildren();
  version = 'ended'; // whatever was fetched before may lack the last lines
  void refreshNow();
  setTimeout(() => void lookForReturn(), COMES_BACK_MS);
}

/** The process has ended, and may be started again with --resume. */
async function lookForReturn(): Promise<void> {
  try {
    if (document.hidden) throw new Error('nobody looks');
    await fetchMe();
    keep(CAME_BACK, 'yes');
    location.reload();
  } catch {
    setTimeout(() => void lookForReturn(), COMES_BACK_MS);
  }
}

async function begin(token: string | undefined): Promise<void> {
  try {
    me = token === undefined ? await fetchMe() : await logIn(token);
  } catch (error) {
    tell(wordsFor(error), true);
    if (error instanceof Refused) return show('login');
    return void setTimeout(() => void begin(token), POLL_MS);
  }
  const hasComeBack = kept(CAME_BACK) !== undefined;
  forget(CAME_BACK);
  if (me.right === 'none') return askToLogIn(hasComeBack ? STARTED_AGAIN : '');
  show('main');
  const onError = (message: string): void => tell(message, true);
  byId('actions', HTMLElement).replaceChildren(...headerButtons(me, onError, () => askToLogIn('')));
  if (me.shows === 'folder') return poll();
  panel.show(me);
  follow();
}

/**
 * Also stops asking the server. Requests still in progress see by the new `me` that their session is over.
 * @param why for somebody who had logged in
 */
function askToLogIn(why: string): void {
  me = { ...me, right: 'none' };
  closeLive();
  clearTimeout(nextTry);
  byId('actions', HTMLElement).replaceChildren();
  tell(why, false);
  show('login');
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
  const input = byId('token', HTMLInputElement);
  void begin(input.value);
  input.value = '';
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

document.addEventListener('visibilitychange', () => {
  if (me.shows === 'run') follow();
});

void begin(takeTokenFromAddress());
