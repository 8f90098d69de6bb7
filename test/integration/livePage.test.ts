/** The live page in a real browser, over real run folders. */

import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeSafetensors } from '../../src/coordinator/checkpoints/safetensors.js';
import { saveEvaluation } from '../../src/coordinator/index.js';
import { evaluationOf } from '../support/evaluations.js';
import { epochLine, makeRun, RESULT, stepLine } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { NO_BROWSER, openBrowser, openPage, PAGE_LIMIT_MS } from './support/browser.js';
import { start, until } from './support/lockstep.js';

const LIMIT = { timeout: PAGE_LIMIT_MS };
/** (1, 2, 3, 2): the second filter is 4, 0, -4 at the left and 2, 0, 0 at the right. */
const FILTER_VALUES = [1, 4, 0, 0, 1, -4, 0, 2, 0, 0, 0, 0];

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: the live page is not tested: ${NO_BROWSER}`);

/** Of a canvas: red, green, blue and opacity of each pixel. */
async function pixelsOf(canvas: Locator, width: number, height: number): Promise<readonly number[]> {
  return canvas.evaluate(
    (element, [columns, rows]) => {
      // The test is compiled without the types of a page.
      const drawn = element as unknown as {
        getContext(kind: '2d'): { getImageData(...area: number[]): { readonly data: Uint8ClampedArray } };
      };
      return [...drawn.getContext('2d').getImageData(0, 0, columns!, rows!).data];
    },
    [width, height],
  );
}

describe.skipIf(NO_BROWSER !== undefined)('the live page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  /** Starts `lockstep ui` over a folder. */
  async function serve(root: string, ...options: readonly string[]): Promise<string> {
    const ui = start(['ui', root, '--listen', '127.0.0.1:0', ...options]);
    onTestFinished(async () => {
      ui.kill('SIGTERM');
      await ui.finished;
    });
    const address = (): string | undefined => /at (http:\S+)/.exec(ui.output())?.[1];
    await until('the address of the page', () => address() !== undefined);
    return address()!;
  }

  const epochs = (last: number): readonly object[] =>
    Array.from({ length: last }, (_, index) => epochLine(index + 1));

  it('shows runs and their curves, grows as they do, and finds a new run by itself', async () => {
    const root = temporaryFolder();
    const first = makeRun(path.join(root, 'first'), { lines: [stepLine(1), ...epochs(2)] });
    makeRun(path.join(root, 'second'), { lines: epochs(3), result: RESULT });
    const { page, complaints } = await openPage(browser);
    await page.goto(await serve(root));
    const runs = page.locator('#runs');
    const row = (name: string): Locator => runs.getByRole('row', { name: new RegExp(`\\b${name}\\b`) });
    await row('first').getByText('2/3').waitFor();
    await row('second').getByText('finished', { exact: true }).waitFor();
    await row('second').getByText('43.00 %').waitFor();
    await expect.poll(() => page.locator('#charts canvas').count(), LIMIT).toBe(4);

    appendFileSync(path.join(first, 'metrics.jsonl'), `${JSON.stringify(epochLine(3))}\n`);
    await row('first').getByText('3/3').waitFor();
    makeRun(path.join(root, 'third'), { lines: epochs(1) });
    await row('third').waitFor();
    rmSync(path.join(root, 'third'), { recursive: true });
    await row('third').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'second', exact: true }).click();
    await page.locator('#details').getByRole('heading', { name: 'second', exact: true }).waitFor();
    await page.getByText('digest3').waitFor();
    await page.getByLabel('Filter').fill('second');
    await row('first').waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });

  it('draws over steps and hours, smoothed, on a log axis, and gives the values as CSV', async () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'run'), { lines: [...[1, 2, 3].map((step) => stepLine(step)), ...epochs(3)] });
    const { page, complaints } = await openPage(browser);
    await page.goto(await serve(root));
    const csv = async (): Promise<string> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'CSV' }).click(),
      ]);
      return (await (await download.createReadStream()).toArray()).join('');
    };
    await page.locator('#charts canvas').first().waitFor();
    await expect.poll(csv, LIMIT).toContain('Loss,run training,2,0.5\n');
    await page.getByLabel('Over').selectOption('step');
    await expect.poll(csv, LIMIT).toContain('Loss,run training,3,3\n');
    await page.getByLabel('Over').selectOption('time');
    await expect.poll(csv, LIMIT).toContain(`Loss,run validation,${180 / 3600},${2 / 3}\n`);
    await page.getByLabel('Log axis').check();
    await page.getByLabel('Smoothing').fill('0.5');
    // The mean of 2 and 1 with weights 1/3 and 2/3.
    await expect
      .poll(csv, LIMIT)
      .toContain(`Loss,run validation,${120 / 3600},${(0.5 * 1 + 0.5 * 1) / 0.75}\n`);
    expect(complaints).toEqual([]);
  });

  it('tells how a run is doing, who computed it, what it gets wrong, and shows its filters', async () => {
    const root = temporaryFolder();
    const joined = (node: string, workersNow: number): object => ({
      ...{ event: 'worker-joined', node, engine: 'simd', device: 'a cpu', numericsClass: 'simd/1' },
      ...{ threads: 1, workersNow },
    });
    const workers = [
      { node: 'alpha', samples: 300 },
      { node: 'beta', samples: 100 },
    ];
    const folder = makeRun(path.join(root, 'run'), {
      lines: [joined('alpha', 1), joined('beta', 2), ...[1, 2].map((epoch) => epochLine(epoch, { workers }))],
    });
    const { page, complaints } = await openPage(browser);
    await page.goto(await serve(root));
    const glance = page.locator('#run-glance');
    await glance.getByText('2 of 3').waitFor();
    await glance.getByText('best 42.00 % in epoch 2').waitFor();
    await page.getByRole('row', { name: /alpha 75.00 % 600/ }).waitFor();
    await page.getByText('This run has not been evaluated').waitFor();

    // Appears by itself. A picture is drawn from the bytes of the file: its first pixel is red.
    await saveEvaluation(folder, evaluationOf());
    await page.getByRole('heading', { name: 'Confusion matrix' }).waitFor();
    await page.getByRole('row', { name: /cat 50.00 % 100.00 % 2/ }).waitFor();
    await page.getByTitle('1 of 2 images of cat taken for dog').waitFor();
    const picture = page.getByRole('img', { name: 'test image 7: cat, taken for dog' });
    const pixels = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 9, 9, 9, 255];
    await expect.poll(() => pixelsOf(picture, 2, 2), LIMIT).toEqual(pixels);

    const tensor = { name: 'conv.weight', shape: [1, 2, 3, 2], values: Float32Array.of(...FILTER_VALUES) };
    writeFileSync(
      path.join(folder, 'checkpoints', 'best.safetensors'),
      encodeSafetensors({ metadata: {}, tensors: [{ ...tensor, name: 'momentum.x' }, tensor] }),
    );
    appendFileSync(path.join(folder, 'metrics.jsonl'), `${JSON.stringify(epochLine(3))}\n`);
    const filter = page.getByRole('img', { name: 'filter 2 of 2' });
    // Of the second filter, in units of the largest: 0 is grey.
    const shades = [255, 128, 0, 255, 191, 128, 128, 255];
    await expect.poll(() => pixelsOf(filter, 2, 1), LIMIT).toEqual(shades);
    expect(complaints).toEqual([]);
  });

  it('saves a chart as an SVG file that stands alone, and moves along it by keyboard', async () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'a <b>'), { lines: epochs(3) });
    const { page, complaints } = await openPage(browser);
    await page.goto(await serve(root));
    await page.locator('#charts canvas').first().waitFor();
    await page.getByLabel('Log axis').check();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'save Loss as SVG' }).click(),
    ]);
    const svg = (await (await download.createReadStream()).toArray()).join('');
    const reader = await openPage(browser); // whose policy allows the style of an SVG file
    const told = await reader.page.evaluate(`
      Array.from(
        new DOMParser()
          .parseFromString(${JSON.stringify(svg)}, 'image/svg+xml')
          .querySelectorAll('polyline title, parsererror'),
        (title) => title.textContent,
      )`);
    expect(told).toEqual(['a <b> validation', 'a <b> training']);
    expect(svg).not.toMatch(/href|script/);

    const chart = page.getByRole('img', { name: 'Accuracy: a <b> validation 43.00 %' });
    await chart.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await chart.getByText('42.00 %').waitFor(); // the value at the second epoch
    expect(complaints).toEqual([]);
  });

  it('shows what files say as text, whatever they say', async () => {
    const root = temporaryFolder();
    const hostile = '<img src=x onerror="document.title=1">';
    makeRun(path.join(root, hostile), {
      config: { model: hostile, dataset: hostile, epochs: 3, [hostile]: hostile },
      lines: [...epochs(2), { event: 'worker-joined', node: hostile }],
    });
    makeRun(path.join(root, 'other'), { lines: epochs(2) });
    const { page, complaints } = await openPage(browser);
    await page.goto(await serve(root));
    await page.getByRole('button', { name: hostile, exact: true }).click();
    await page.getByText(`node: ${hostile}`).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('Lockstep runs');
    expect(complaints).toEqual([]);
  });

  it('asks for the token, refuses a wrong one, and takes one from the address without leaving it there', async () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'run'), { lines: epochs(2) });
    const address = await serve(root, '--ui-token', 's3cret');
    expect(address).toMatch(/#token=s3cret$/);
    const { page } = await openPage(browser);
    await page.goto(address.replace(/#.*/, ''));
    await page.getByLabel(/Token/).fill('wrong');
    await page.getByRole('button', { name: 'Show the runs' }).click();
    await page.getByText('the token is wrong').waitFor();
    expect(await page.getByRole('row').count()).toBe(0);
    await page.getByLabel(/Token/).fill('s3cret');
    await page.getByRole('button', { name: 'Show the runs' }).click();
    await page.getByRole('row', { name: /run/ }).last().waitFor();

    const other = await openPage(browser);
    await other.page.goto(address);
    await other.page.getByRole('row', { name: /run/ }).last().waitFor();
    expect(other.page.url()).not.toContain('s3cret');
  });
});
