/**
 * `node scripts/screenshotPage.mjs [RUNS]`: takes the README's picture of the live page, of real runs. Trains two short runs on
 * synthetic images, evaluates the first, and takes the picture while the second is training, in a real Chromium.
 * With RUNS, a folder of runs that are there already, it only takes the picture. Run `npm run build` first; it takes some
 * minutes.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = path.join(root, 'docs', 'images', 'page.png');
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '2000', '--val-size', '500'],
  ...['--schedule', 'onecycle', '--batch-size', '64'],
];
/** Enough for curves. */
const EPOCHS_SEEN = 6;

const [given] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-page-'));
const runs = given === undefined ? path.join(folder, 'runs') : path.resolve(given);
/** @type {import('node:child_process').ChildProcess[]} */
const children = [];
try {
  if (given === undefined) await trainRuns();
  await takePicture(await served());
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
}

/** The second goes on while the picture is taken. */
async function trainRuns() {
  await lockstep(
    'train',
    ...RECIPE,
    '--epochs',
    '8',
    '--lr',
    '0.05',
    '--run-dir',
    path.join(runs, 'lr-0.05'),
  );
  await lockstep('evaluate', path.join(runs, 'lr-0.05'));
  const second = path.join(runs, 'lr-0.1');
  start('train', ...RECIPE, '--epochs', '12', '--run-dir', second).stdout.resume();
  // The page looks into the run that it finds running when it is opened.
  while (!existsSync(path.join(second, 'metrics.jsonl')))
    await new Promise((resolve) => setTimeout(resolve, 200));
}

/** @param {string[]} words */
function start(...words) {
  const child = spawn(process.execPath, [path.join(root, 'bin', 'lockstep'), ...words], {
    cwd: path.dirname(runs),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

/** @param {string[]} words */
function lockstep(...words) {
  const child = start(...words);
  child.stdout.resume();
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`${words[0]} failed`))));
  });
}

async function served() {
  const child = start('ui', path.basename(runs), '--listen', '127.0.0.1:0');
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    const url = /at (http:\S+)/.exec(output)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`lockstep ui ended: ${output}`);
}

/** @param {string} url */
async function takePicture(url) {
  const executablePath = process.env.LOCKSTEP_CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    page.setDefaultTimeout(0);
    await page.goto(url);
    const epoch = page.locator('#run-glance dd').first();
    if (given === undefined) await epoch.getByText(new RegExp(`^${EPOCHS_SEEN} of`)).waitFor();
    await page.locator('#charts canvas').last().waitFor();
    await page.screenshot(); // waits until they are drawn
    mkdirSync(path.dirname(target), { recursive: true });
    await page.screenshot({ path: target });
    console.log(`wrote ${target}`);
  } finally {
    await browser.close();
  }
}
