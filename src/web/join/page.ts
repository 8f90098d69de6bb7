/** The page by which a browser tab takes part in a run. It shows what its node (a Worker) does, and holds its settings. */

import { byId, element } from '../live/dom.js';
import { browserName, mostThreads, usualThreads } from './device.js';
import { chooseGpu, chosenEngine, GPU_THREADS, offerGpu } from './engineChoice.js';
import { takeInvitation } from './invitation.js';
import { curveCaption, lossCurve } from './lossCurve.js';
import { recall, remember, wasDiscarded } from './memory.js';
import { Participation } from './participation.js';
import type { Phase } from './participation.js';
import { ScreenLock, watchBattery } from './power.js';
import { forgetReload, isOfOtherVersion, reloadOnce, wasReloaded } from './renewal.js';
import type { Tally } from './tally.js';
import { tell } from './wording.js';

const LONGEST_NAME = 60;
/** The figures are drawn anew at most this often. */
const DRAW_EVERY_MS = 500;
/** From then on somebody can start: for measurements. */
const READY_MARK = 'ready';
/** A rate of less than this part of the best is worth a word. */
const SLOW_PART = 0.7;

const { token, startsAtOnce } = takeInvitation();
const remembered = recall();
const headline = byId('headline', HTMLElement);
const startButton = byId('start', HTMLButtonElement);
const anyClassButton = byId('any-class', HTMLButtonElement);
const pauseButton = byId('pause', HTMLButtonElement);
const leaveButton = byId('leave', HTMLButtonElement);
const nameInput = byId('name', HTMLInputElement);
const threadsInput = byId('threads', HTMLInputElement);
const onBattery = byId('on-battery', HTMLInputElement);
const curve = byId('curve', HTMLElement);

const screenLock = new ScreenLock();
let isOnBattery = false;
/** Set by a click on the button that says what it means, for the run that refused this tab. */
let anyClass = false;
let drawTimer: ReturnType<typeof setTimeout> | undefined;

const coreThreads = (): number => Math.min(mostThreads(), Math.max(1, Number(threadsInput.value)));
const isOnGpu = (): boolean => chosenEngine() === 'webgpu';
const threads = (): number => (isOnGpu() ? GPU_THREADS : coreThreads());
const participation = new Participation(
  () => ({
    pageUrl: location.href.split('#')[0]!,
    token,
    nodeName: nameInput.value.trim().slice(0, LONGEST_NAME) || browserName(),
    engine: chosenEngine(),
    device: isOnGpu() ? browserName() : `${browserName()}, ${threads()} thread(s)`,
    threads: threads(),
    anyClass,
  }),
  () => show(),
);

/** Says at once what it does; figures follow soon. */
function show(): void {
  const { phase, tally, isOn } = participation;
  if (phase.kind === 'computing') forgetReload();
  if (phase.kind === 'over' && isOfOtherVersion(phase.end) && reloadOnce()) return;
  const told = tell(phase, { images: tally.images, engine: chosenEngine() });
  headline.textContent = told.headline;
  headline.className = told.mood;
  byId('detail', HTMLElement).textContent = told.detail;
  startButton.hidden = isOn;
  startButton.textContent = phase.kind === 'paused' ? 'Go on' : 'Start';
  anyClassButton.hidden = !isOfOtherClass(phase);
  pauseButton.hidden = !isOn || phase.kind === 'stopping';
  leaveButton.hidden = !(isOn || phase.kind === 'paused');
  nameInput.disabled = isOn;
  screenLock.set(phase.kind === 'computing');
  const waitsForPower = phase.kind === 'paused' && phase.why === 'battery';
  const settings = { name: nameInput.value, threads: coreThreads(), engine: chosenEngine() };
  remember({ ...settings, isOn: isOn || waitsForPower });
  drawTimer ??= setTimeout(draw, DRAW_EVERY_MS);
}

function isOfOtherClass(phase: Phase): boolean {
  return phase.kind === 'over' && phase.end.kind === 'refused' && phase.end.numericsClasses !== undefined;
}

function draw(): void {
  drawTimer = undefined;
  const { phase, tally, description } = participation;
  byId('work', HTMLElement).hidden = tally.items === 0 && phase.kind !== 'computing';
  const rate = phase.kind === 'computing' ? tally.imagesPerSecond() : undefined;
  const shownRate = rate === undefined ? '–' : rate.toFixed(rate < 10 ? 1 : 0);
  document.title = rate === undefined ? 'Lockstep: join' : `${shownRate} images/s: Lockstep`;
  const share = tally.share();
  byId('figures', HTMLElement).replaceChildren(
    figure('Images/s', shownRate, slownessText(tally, rate)),
    figure('Images computed', tally.images.toLocaleString('en')),
    figure('Micro-batches', tally.items.toLocaleString('en')),
    figure(
      'Share of the run',
      share === undefined ? '–' : `${(100 * share).toFixed(0)} %`,
      'since this tab joined',
    ),
    figure('Step of the run', stepText(tally)),
    isOnGpu() ? figure('Computes', 'GPU', description?.device) : figure('Threads', String(threads())),
    figure('Numerics', description?.numericsClass ?? '–', exactnessText(description)),
  );
  const curves = { run: participation.runCurve, own: tally.curve() };
  const drawn = lossCurve(curves, curve.clientWidth);
  curve.hidden = !drawn;
  if (drawn) curve.replaceChildren(element('figcaption', {}, curveCaption(curves)), drawn);
  // The rate falls while nothing comes.
  if (phase.kind === 'computing') drawTimer = setTimeout(draw, 2 * DRAW_EVERY_MS);
}

function slownessText(tally: Tally, rate: number | undefined): string {
  if (rate === undefined || tally.partOfBest(rate) >= SLOW_PART) return '';
  return `${(100 * tally.partOfBest(rate)).toFixed(0)} % of its best: hot, busy, or short of work`;
}

function exactnessText(description: Participation['description']): string {
  if (!description) return '';
  return description.exact ? 'exact' : 'not exact';
}

/** Steps count from 0 in the protocol, and from 1 for people. */
function stepText({ step, length }: Tally): string {
  if (step === undefined) return '–';
  const shown = (step + 1).toLocaleString('en');
  return length ? `${shown} of ${length.steps.toLocaleString('en')}` : shown;
}

function figure(name: string, value: string, note = ''): HTMLElement {
  const shown = element('dd', {}, value, ...(note === '' ? [] : [element('small', {}, note)]));
  return element('div', {}, element('dt', {}, name), shown);
}

function showThreads(): void {
  byId('threads-shown', HTMLElement).textContent = `${coreThreads()} of ${mostThreads()}`;
}

/** What was said of the other engine is over, and what was allowed it. */
function changeEngine(): void {
  anyClass = false;
  byId('threads-setting', HTMLElement).hidden = isOnGpu();
  const { phase, isOn } = participation;
  if (isOn) participation.restart();
  else if (phase.kind === 'over' && phase.end.kind !== 'run-ended') participation.leave();
  else show();
}

function setUp(): void {
  byId('host', HTMLElement).textContent = `a worker for ${location.host}`;
  nameInput.placeholder = browserName();
  nameInput.value = remembered?.name ?? '';
  threadsInput.max = String(mostThreads());
  threadsInput.value = String(remembered?.threads ?? usualThreads());
  showThreads();
  threadsInput.addEventListener('input', showThreads);
  threadsInput.addEventListener('change', () => participation.restart());
  startButton.addEventListener('click', () => {
    anyClass &&= participation.phase.kind === 'paused'; // going on, or perhaps another run
    begin();
  });
  anyClassButton.addEventListener('click', () => {
    anyClass = true;
    begin();
  });
  pauseButton.addEventListener('click', () => participation.pause('user'));
  leaveButton.addEventListener('click', () => participation.leave());
  onBattery.addEventListener('change', heedBattery);
  addNote('Images and gradients travel between this tab and the coordinator, and nowhere else.');
  if (!ScreenLock.isPossible) addNote(NO_SCREEN_LOCK);
  void watchBattery(({ isCharging, level }) => {
    isOnBattery = !isCharging;
    const percent = `${Math.round(100 * level)} %`;
    byId('battery', HTMLElement).hidden = false;
    byId('battery-shown', HTMLElement).textContent = isCharging
      ? `${percent}, on mains`
      : `${percent}, on battery`;
    heedBattery();
  });
}

const NO_SCREEN_LOCK =
  'This browser does not let a page of plain HTTP keep the screen on: a device that sleeps stops computing.';

function addNote(note: string): void {
  byId('notes', HTMLElement).append(element('li', {}, note));
}

function begin(): void {
  participation.start();
  heedBattery();
}

function heedBattery(): void {
  const mustPause = isOnBattery && onBattery.checked;
  if (mustPause && participation.isOn) participation.pause('battery');
  if (!mustPause) participation.goOnAfter('battery');
}

/** With the engine that somebody had chosen: never with the other. */
async function goOn(gpuOffered: Promise<boolean>): Promise<void> {
  if (remembered?.engine === 'webgpu') {
    if (!(await gpuOffered)) return;
    chooseGpu();
    changeEngine();
  }
  begin();
}

setUp();
show();
performance.mark(READY_MARK);
const gpuOffered = offerGpu(changeEngine).then((reason) => {
  if (reason !== undefined) addNote(reason);
  return reason === undefined;
});
if (wasReloaded() || (wasDiscarded() && remembered?.isOn === true)) void goOn(gpuOffered);
else if (startsAtOnce) begin();
