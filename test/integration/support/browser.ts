/** A real Chromium for tests of pages; `eval "$(bash scripts/setup-chromium.sh)"` finds or installs one. */

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { CHROMIUM } from './chromium.js';

/** Only ends what would never end: a busy machine is no failure, and some wait for the end of a run. */
export const PAGE_LIMIT_MS = 500_000;

/** Why tests of pages cannot run here; undefined if they can. */
export const NO_BROWSER =
  CHROMIUM === undefined
    ? 'no Chromium was found; run eval "$(bash scripts/setup-chromium.sh)", or set LOCKSTEP_CHROMIUM'
    : undefined;

export async function openBrowser(...more: readonly string[]): Promise<Browser> {
  return launch('--disable-gpu', ...more);
}

/** One whose pages find a GPU, emulated on the processor. */
export async function openBrowserWithGpu(): Promise<Browser> {
  return launch('--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader');
}

function launch(...args: readonly string[]): Promise<Browser> {
  // Containers seldom allow Chromium's own sandbox, and these pages are ours.
  return chromium.launch({
    executablePath: CHROMIUM!,
    args: ['--no-sandbox', ...args],
    timeout: PAGE_LIMIT_MS,
  });
}

export interface WatchedPage {
  readonly page: Page;
  /** Scripts that failed, requests that left the machine or were blocked, and anything on the console that is an error. */
  readonly complaints: readonly string[];
}

export async function openPage(browser: Browser): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1200 } });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(PAGE_LIMIT_MS); // of every page that the test opens in it
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1') complaints.push(`asked ${request.url()}`);
  });
  return { page, complaints };
}
