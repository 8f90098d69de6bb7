/**
 * "Try it" on the live page, in a real browser: what the tab computes of a picture is what `lockstep predict` computes of the
 * same file, to the last bit.
 */

import { cpSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { encodePng } from '../../src/foundation/png.js';
import { makeRun } from '../support/runFolders.js';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import { killAll, run, start, temporaryFolder, until } from './support/lockstep.js';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: "try it" is not tested: ${NO_BROWSER}`);

const root = temporaryFolder();
const runDir = path.join(root, 'trained');
const TRAINING = [
  ...[
    '--dataset',
    'synthetic',
    '--model',
    'resnet8',
    '--train-limit',
    '96',
    '--val-size',
    '32',
    '--seed',
    '5',
  ],
  ...[
    '--batch-size',
    '32',
    '--micro-batch',
    '16',
    '--epochs',
    '2',
    '--schedule',
    'constant',
    '--workers',
    '1',
  ],
];

/** Wider than high and larger than an image of the network, in all colours: it has to be cut and resized. */
function picture(): Uint8Array {
  const [width, height] = [75, 50];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      pixels.set([(x * 7 + y) & 255, (y * 5 + x * x) & 255, (x * y) & 255], (y * width + x) * 3);
  return encodePng({ width, height, channels: 3, pixels });
}

interface Predicted {
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

/** The very numbers of the Worker that the page asks, for the pixels that this browser makes of the file. */
function classifiedIn(page: Page, png: Uint8Array): Promise<Predicted['classes']> {
  const base64 = Buffer.from(png).toString('base64');
  return page.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob('${base64}'), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: 'none' });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const worker = new Worker('compute.js', { type: 'module', name: 'lockstep-try' });
    const ask = (message) => new Promise((resolve) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.postMessage(message);
    });
    const frame = await (await fetch('api/weights?id=trained')).arrayBuffer();
    await ask({ kind: 'weights', frame });
    return (await ask({ kind: 'picture', pixels: data, width, height })).classes;
  })()`);
}

describe.skipIf(NO_BROWSER !== undefined)('"try it" on the live page', () => {
  let browser: Browser;
  let address = '';
  let predicted: Predicted;
  const file = path.join(root, 'picture.png');

  beforeAll(async () => {
    expect((await run(['train', ...TRAINING, '--run-dir', runDir])).exitCode).toBe(0);
    makeRun(path.join(root, 'without-weights'), { lines: [] });
    writeFileSync(file, picture());
    const { stdout } = await run(['predict', runDir, file, '--json', '--engine', 'simd']);
    predicted = (JSON.parse(stdout) as { readonly images: readonly Predicted[] }).images[0]!;
    browser = await openBrowser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
  });
  afterAll(() => browser.close());
  afterEach(killAll);

  async function open(name: string, secret?: string): Promise<Awaited<ReturnType<typeof openPage>>> {
    const env: Record<string, string> = secret === undefined ? {} : { LOCKSTEP_UI_TOKEN: secret };
    const ui = start(['ui', root, '--listen', '127.0.0.1:0'], env);
    const found = (): string | undefined => /at (http:\/\/[^\s#/]+)/.exec(ui.output())?.[1];
    await until('the address of the page', () => found() !== undefined);
    address = found()!;
    const opened = await openPage(browser);
    await opened.page.goto(secret === undefined ? address : `${address}/#token=${secret}`);
    await opened.page.getByRole('button', { name, exact: true }).click();
    await opened.page.getByRole('heading', { name: 'Try it' }).waitFor();
    return opened;
  }

  const choose = (
    page: Page,
    ...files: readonly (string | { name: string; mimeType: string; buffer: Buffer })[]
  ) => page.getByLabel('an image of your own').setInputFiles(files as string[]);

  it('says of a picture what predict says, to the last bit', async () => {
    const { page, complaints } = await open('trained', 'lookers');
    await choose(page, file);
    const tried = page.locator('.tried');
    await tried.getByText(/weights, after epoch \d; simd/).waitFor();
    const rows = await tried.getByRole('row').allInnerTexts();
    const shown = rows.slice(1).map((row) => row.split('\t').map((cell) => cell.trim()));
    expect(shown).toEqual(
      predicted.classes.map(({ name, probability }) => [name, `${(100 * probability).toFixed(2)} %`]),
    );
    await tried.getByRole('img', { name: 'what the network sees: 32 × 32' }).waitFor();

    const exact = await classifiedIn(page, picture());
    expect(exact).toHaveLength(5);
    expect(exact.map(({ name, probability }) => [name, probability])).toEqual(
      predicted.classes.map(({ name, probability }) => [name, probability]),
    );
    expect(complaints).toEqual([]);
  });

  it('says what is wrong with a file that is no picture, and goes on', async () => {
    const { page } = await open('trained');
    await choose(page, {
      name: 'x.png',
      mimeType: 'image/png',
      buffer: Buffer.from('<script>alert(1)</script>'),
    });
    await page.locator('.tried').getByText('this file is no picture').waitFor();
    await choose(page, file);
    await page.locator('.tried').getByText(predicted.classes[0]!.name).first().waitFor();
  });

  it('classifies what the camera sees, until it is stopped', async () => {
    const { page, complaints } = await open('trained');
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page
      .locator('.tried')
      .getByText(/weights, after epoch/)
      .waitFor();
    await page.getByRole('button', { name: 'Stop the camera' }).click();
    await page.getByRole('button', { name: 'Use the camera' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('shows the current weights: asks for them again and again, and loads only others', async () => {
    const moving = path.join(root, 'moving');
    cpSync(runDir, moving, { recursive: true });
    const { page } = await open('moving');
    const answers: number[] = [];
    page.on('response', (response) => {
      if (response.url().includes('api/weights')) answers.push(response.status());
    });
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.locator('.tried').getByText('best weights, after epoch').waitFor();
    while (answers.length < 3) await page.waitForResponse((response) => response.status() === 304);
    expect(answers).toEqual([200, ...answers.slice(1).map(() => 304)]);
    rmSync(path.join(moving, 'checkpoints', 'best.safetensors'));
    await page.locator('.tried').getByText('last weights, after epoch 2').waitFor();
    expect(answers.filter((status) => status === 200)).toHaveLength(2);
  });

  it('says that a run has no weights; and tells those nothing who may see nothing', async () => {
    const { page } = await open('without-weights', 'lookers');
    await choose(page, file);
    await page.locator('.tried').getByText('this run has no weights yet').waitFor();
    const ask = (place: string, secret?: string): Promise<Response> =>
      fetch(
        `${address}${place}`,
        secret === undefined ? {} : { headers: { authorization: `Bearer ${secret}` } },
      );
    expect((await ask('/api/weights?id=trained')).status).toBe(401);
    expect((await ask('/api/weights?id=trained', 'lookers')).status).toBe(200);
    for (const id of ['', '..', '../..', 'trained/checkpoints', '/etc', 'without-weights'])
      expect((await ask(`/api/weights?id=${encodeURIComponent(id)}`, 'lookers')).status, id).toBe(404);
  });
});
