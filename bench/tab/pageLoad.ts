/** How long the page takes to load on loopback, each time in a new tab with nothing kept, and how many bytes it has. */

import { request } from 'node:http';
import type { RealTabs } from '../../test/integration/support/realTabs.js';
import { median } from '../statistics.js';

const LOADS = 10;
/** Of the page before anybody starts, and what a start loads: with the processor, and with the GPU besides. */
const FILES = ['/join', '/join/page.js', '/join/page.css', '/join/compute.js', '/join/gpu.js'];

interface Times {
  /** From the start of the navigation. */
  readonly loadMs: number;
  readonly readyMs: number;
}

/** @returns sentences for people */
export async function describePageLoad(tabs: RealTabs, host: string): Promise<string> {
  const times: Times[] = [];
  for (let load = 0; load < LOADS; load++) times.push(await loadOnce(tabs, host));
  const shown = (of: (times: Times) => number): string => {
    const all = times.map(of);
    return `${median(all).toFixed(0)} ms (${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)})`;
  };
  const sizes = await Promise.all(FILES.map((path) => compressedBytes(host, path)));
  const sum = (bytes: readonly number[]): string =>
    `${(bytes.reduce((total, count) => total + count, 0) / 1000).toFixed(1)} KB`;
  return (
    `The page, ${LOADS} times in a new tab: load event after ${shown(({ loadMs }) => loadMs)}, ` +
    `ready to start after ${shown(({ readyMs }) => readyMs)}, median and range.\n` +
    `Compressed: ${sum(sizes.slice(0, 3))} to show it, ${sum(sizes.slice(0, 4))} with what computes, ` +
    `${sum(sizes)} with what computes on a GPU.`
  );
}

async function loadOnce(tabs: RealTabs, host: string): Promise<Times> {
  const tab = await tabs.newTab(`http://${host}/join`);
  try {
    for (;;) {
      const found = await tab
        .evaluate<Times | null>(
          `(() => {
            const [navigation] = performance.getEntriesByType('navigation');
            const [ready] = performance.getEntriesByName('ready');
            return navigation?.loadEventEnd > 0 && ready
              ? { loadMs: navigation.loadEventEnd, readyMs: ready.startTime }
              : null;
          })()`,
        )
        .catch(() => null); // while the first page is replaced
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    await tab.close();
  }
}

function compressedBytes(host: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${host}${path}`, { headers: { 'accept-encoding': 'gzip' } }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`${path}: HTTP status ${answer.statusCode}`));
      let bytes = 0;
      answer.on('data', (piece: Buffer) => (bytes += piece.byteLength));
      answer.on('end', () => resolve(bytes));
    });
    asked.on('error', reject).end();
  });
}
