/** Browser tabs that compute on a GPU, emulated by Chromium: as Node's engine does, within rounding, and never silently. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { initialiseModel } from '../../src/model/index.js';
import { readGoldenGradient } from '../support/goldenGradient.js';
import { hashedLabels, hashedValues, relativeError } from '../support/numbers.js';
import { tensorDistances } from '../support/tensorDistances.js';
import { TINY_MODELS } from '../support/tinyModels.js';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import type { WatchedPage } from './support/browser.js';
import { compute } from './support/browserBits/compute.js';
import { floatsOf, toBase64 } from './support/browserBits/job.js';
import type { Job } from './support/browserBits/job.js';
import { servePage } from './support/browserBits/pageServer.js';
import { changedPages } from './support/changedPages.js';
import { openGpuBrowser } from './support/gpuBrowser.js';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
  untilListening,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const folder = temporaryFolder();
/** A device in software takes many seconds to compile the kernels of a larger one. */
const NETWORK = path.join(folder, 'own.json');
writeFileSync(
  NETWORK,
  JSON.stringify({
    inputShape: { height: 32, width: 32, channels: 3 },
    classCount: 10,
    layers: [
      { kind: 'convolution', name: 'conv', channels: 8, stride: 2 },
      { kind: 'batch-normalisation', name: 'norm' },
      { kind: 'relu', name: 'relu' },
      { kind: 'global-average-pool', name: 'pool' },
      { kind: 'dense', name: 'logits', channels: 10 },
    ],
  }),
);
const STEPS = 20;
const RECIPE = [
  ...[
    '--dataset',
    'synthetic',
    '--model',
    NETWORK,
    '--train-limit',
    '160',
    '--val-size',
    '16',
    '--seed',
    '1',
  ],
  ...`--batch-size 16 --micro-batch 8 --max-steps ${STEPS} --schedule constant --lr 0.05`.split(' '),
];
const TOKEN = 'gpu-secret';
const BROKEN_DRIVER = `GPUQueue.prototype.submit = () => { throw new Error('the driver is broken'); };\n`;

/** The first device is that of the engine's description; the next one is lost after a few micro-batches. */
const LOST_DEVICE = `{
  const requestDevice = GPUAdapter.prototype.requestDevice;
  let devices = 0;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    if (++devices !== 2) return device;
    const submit = device.queue.submit.bind(device.queue);
    let submissions = 0;
    device.queue.submit = (commands) => {
      submit(commands);
      if (++submissions !== 5) return;
      device.destroy();
      void fetch('/join/lost');
    };
    return device;
  };
}\n`;

const opened = NO_BROWSER === undefined ? await openGpuBrowser() : { reason: NO_BROWSER };
const gpuBrowser = 'browser' in opened ? opened.browser : undefined;
if ('reason' in opened) console.warn(`SKIPPED: GPUs of tabs are not tested: ${opened.reason}`);

afterEach(killAll);
afterAll(() => gpuBrowser?.close());

describe.skipIf(gpuBrowser === undefined)('a tab on the GPU', () => {
  const browser = gpuBrowser!;
  const runDir = (name: string): string => path.join(folder, name);
  let reference: number[];
  beforeAll(async () => {
    const { exitCode } = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
    expect(exitCode).toBe(0);
    reference = lossesOf('reference');
  });

  async function coordinate(
    name: string,
    more: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly coordinator: Running; readonly host: string }> {
    const host = `127.0.0.1:${await freePort()}`;
    const args = ['coordinator', ...RECIPE, '--run-dir', runDir(name), '--listen', host, ...more];
    const coordinator = start(args, { LOCKSTEP_TOKEN: TOKEN, ...env });
    await untilListening(coordinator);
    return { coordinator, host };
  }

  async function openJoin(host: string, inBrowser: Browser = browser): Promise<WatchedPage> {
    const watched = await openPage(inBrowser);
    await watched.page.goto(`http://${host}/join#token=${TOKEN}`);
    return watched;
  }

  const chooseGpu = (page: Page): Promise<void> => page.locator('#on-gpu').check();
  const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name }).click();

  /** Of every step and validation, in order. */
  function lossesOf(name: string): number[] {
    return readMetrics(runDir(name)).flatMap((line) => {
      const { loss, validationLoss } = line as typeof line & { validationLoss?: number };
      return [loss, validationLoss].filter((value) => value !== undefined);
    });
  }

  it("has PyTorch's gradient of ResNet-8 within rounding, and Node's of a small network", async () => {
    const golden = readGoldenGradient();
    const { url, computed } = await servePage([jobOf('ResNet-8', golden), ...TINY_JOBS]);
    const { page } = await openPage(browser);
    await page.goto(url);
    const { answers } = await computed;
    expect(new Set(answers.map(({ numericsClass }) => numericsClass.split('/')[0]))).toEqual(
      new Set(['webgpu']),
    );
    const [resnet, ...tiny] = answers;
    const distances = tensorDistances(golden.model, floatsOf(resnet!.gradientSum), golden.gradientSum);
    for (const [tensor, distance] of distances) expect(distance, tensor).toBeLessThan(1e-4);
    for (const [index, answer] of tiny.entries()) {
      const byNode = await compute({ ...TINY_JOBS[index]!, engine: 'simd' });
      for (const part of ['gradientSum', 'batchStatistics', 'logits'] as const) {
        const distance = relativeError(floatsOf(answer[part]), floatsOf(byNode[part]));
        expect(distance, `${answer.name}: ${part}`).toBeLessThan(1e-4);
      }
    }
  });

  it('trains alone as simd does, within rounding, and says everywhere that the run is not exact', async () => {
    const { coordinator, host } = await coordinate('alone');
    const { page, complaints } = await openJoin(host);
    await chooseGpu(page);
    await page.getByText('the result of the run will say exact: false').waitFor();
    await press(page, 'Start');
    await page.getByText('The run has ended').waitFor();
    await page.getByText('not exact', { exact: true }).waitFor();
    expect((await coordinator.finished).exitCode).toBe(0);
    const { exact, numericsClasses, stepsCompleted } = readResult(runDir('alone'));
    expect({ exact, stepsCompleted }).toEqual({ exact: false, stepsCompleted: STEPS });
    expect(numericsClasses).toEqual([expect.stringMatching(/^webgpu\//)]);
    expect(relativeError(lossesOf('alone'), reference)).toBeLessThan(1e-3);
    expect(reference.at(-2)).toBeLessThan(0.95 * reference[0]!); // so there was something to agree in
    expect(complaints).toEqual([]);
  });

  /** A run with a process in it, which waits for a second worker: a tab that wants to compute on the GPU is refused. */
  async function refusedBy(name: string, host: string): Promise<{ page: Page; worker: Running }> {
    const worker = start(['worker', `ws://${host}`, '--threads', '1'], { LOCKSTEP_TOKEN: TOKEN });
    const joined = () => readMetrics(runDir(name)).filter(({ event }) => event === 'worker-joined');
    await until('the process is attached', () => joined().length === 1);
    const { page } = await openJoin(host);
    await page.getByLabel('Threads').fill('1');
    await chooseGpu(page);
    await press(page, 'Start');
    await page.getByText('This GPU would give other bits').waitFor();
    return { page, worker };
  }

  it('is refused by an exact run, which it joins with the processor', async () => {
    const { coordinator, host } = await coordinate('exact', ['--min-workers', '2']);
    const { page, worker } = await refusedBy('exact', host);
    await page.locator('#on-processor').check();
    await page.getByText('with the same bits as any other worker').waitFor();
    await press(page, 'Start');
    await page.getByText('The run has ended').waitFor();
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expect(readResult(runDir('exact')).exact).toBe(true);
    expect(lossesOf('exact')).toEqual(reference);
  });

  it('joins an exact run when it is told to, which is no longer exact then', async () => {
    const { coordinator, host } = await coordinate(
      'inexact',
      ['--min-workers', '2'],
      standingStillAt(stepIsDone(1)),
    );
    const { page, worker } = await refusedBy('inexact', host);
    await press(page, 'Compute all the same');
    await standsStill(coordinator);
    worker.kill('SIGKILL'); // the tab computes the rest
    coordinator.kill('SIGCONT');
    await page.getByText('The run has ended').waitFor();
    expect((await coordinator.finished).exitCode).toBe(0);
    expect(readResult(runDir('inexact')).exact).toBe(false);
    expect(relativeError(lossesOf('inexact'), reference)).toBeLessThan(1e-3);
  });

  it('shows no class of the engine before while another loads', async () => {
    const { coordinator, host } = await coordinate('changed', [], standingStillAt(stepIsDone(2)));
    const { page } = await openJoin(host);
    await page.getByLabel('Threads').fill('1');
    await press(page, 'Start');
    const numerics = page.locator('#figures > div').filter({ hasText: 'Numerics' });
    await numerics.getByText('exact', { exact: true }).waitFor();
    await standsStill(coordinator); // so the other engine's code does not come
    await chooseGpu(page);
    await page.getByText('Loading the engine').waitFor();
    await numerics.getByText('–').waitFor();
    coordinator.kill('SIGCONT');
    await page.getByText('This GPU would give other bits').waitFor();
  });

  it('says that its GPU fails, leaves, and takes the processor only when that is chosen', async () => {
    const { coordinator, host } = await coordinate('broken');
    const pages = await changedPages(Number(host.split(':')[1]), (path) =>
      path === '/join/gpu.js' ? (code) => `${BROKEN_DRIVER}${code}` : undefined,
    );
    onTestFinished(() => pages.close());
    const { page } = await openJoin(pages.host);
    await chooseGpu(page);
    await press(page, 'Start');
    await page.getByText('The GPU cannot compute').waitFor();
    await page.getByText('the driver is broken').waitFor();
    const eventsOf = (kind: string) => readMetrics(runDir('broken')).filter(({ event }) => event === kind);
    await until('it has left', () => eventsOf('worker-left').length === 1);
    expect(eventsOf('worker-left')[0]!.reason).toBe('drained');
    expect(eventsOf('step')).toEqual([]);
    await page.locator('#on-processor').check();
    await press(page, 'Start');
    await page.getByText('The run has ended').waitFor();
    expect((await coordinator.finished).exitCode).toBe(0);
    expect(readResult(runDir('broken')).exact).toBe(true);
    expect(lossesOf('broken')).toEqual(reference);
  });

  it('goes on when its GPU is lost', async () => {
    const { coordinator, host } = await coordinate('lost');
    let lost = 0;
    const pages = await changedPages(Number(host.split(':')[1]), (path) => {
      if (path === '/join/lost') lost++;
      return path === '/join/gpu.js' ? (code) => `${LOST_DEVICE}${code}` : undefined;
    });
    onTestFinished(() => pages.close());
    const { page } = await openJoin(pages.host);
    await chooseGpu(page);
    await press(page, 'Start');
    await page.getByText('The run has ended').waitFor();
    expect((await coordinator.finished).exitCode).toBe(0);
    expect(lost).toBeGreaterThan(0);
    expect(relativeError(lossesOf('lost'), reference)).toBeLessThan(1e-3);
  });
});

const TINY_JOBS = ['a residual network'].map((name): Job => {
  const model = TINY_MODELS[name]!;
  const { height, width, channels } = model.inputShape;
  return jobOf(name, {
    model,
    state: initialiseModel(model, 3),
    batch: {
      images: hashedValues(5 * height * width * channels, 2_000_000),
      labels: hashedLabels(5, 3_000_000, model.classCount),
    },
  });
});

interface Work {
  readonly model: Job['model'];
  readonly state: { readonly parameters: Float32Array; readonly statistics: Float32Array };
  readonly batch: { readonly images: Float32Array; readonly labels: Uint8Array };
}

function jobOf(name: string, { model, state, batch }: Work): Job {
  return {
    ...{ name, model, numerics: 'auto', engine: 'webgpu', dropoutKey: [11, 22] },
    parameters: toBase64(state.parameters),
    statistics: toBase64(state.statistics),
    images: toBase64(batch.images),
    labels: toBase64(batch.labels),
  };
}

it.skipIf(NO_BROWSER !== undefined)('says that a browser has no GPU, and offers none', async () => {
  const host = `127.0.0.1:${await freePort()}`;
  const args = ['coordinator', ...RECIPE, '--run-dir', path.join(folder, 'no-gpu'), '--listen', host];
  const coordinator = start(args);
  await untilListening(coordinator);
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser);
    await page.goto(`http://${host}/join`);
    await page.getByText('The browser found no GPU that a page may compute on.').waitFor();
    expect(await page.locator('#on-gpu').isVisible()).toBe(false);
  } finally {
    await browser.close();
  }
});
