/** A Chromium whose pages find a GPU, be it emulated on the processor. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { openBrowserWithGpu } from './browser.js';

/** @returns why there is none, where Chromium finds no adapter with any of the ways to ask for one */
export async function openGpuBrowser(): Promise<{ readonly browser: Browser } | { readonly reason: string }> {
  const browser = await openBrowserWithGpu();
  // Pages get a GPU only where others cannot change them on the way, as on loopback.
  const server = createServer((_, response) => response.end('<!doctype html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const hasAdapter = await page.evaluate<boolean>(
      `navigator.gpu === undefined ? false : navigator.gpu.requestAdapter().then((adapter) => adapter !== null)`,
    );
    await page.close();
    if (hasAdapter) return { browser };
    await browser.close();
    return { reason: 'Chromium has no adapter for WebGPU, not even one in software' };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
