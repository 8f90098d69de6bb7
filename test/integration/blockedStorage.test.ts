/** A browser may refuse a page its storage: the page for tabs computes all the same, and the live page shows the run. */

import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import { killAll, start, temporaryFolder, until } from './support/lockstep.js';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: blocked storage is not tested: ${NO_BROWSER}`);

const TOKEN = 'the-token-of-this-run';
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '64', '--val-size', '0'],
  ...['--batch-size', '16', '--micro-batch', '8', '--epochs', '100000', '--patience', '0'],
];
/** As Chromium does for a site whose data are blocked. */
const BLOCK = `Object.defineProperty(window, 'sessionStorage', {
  get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); },
});`;

describe.skipIf(NO_BROWSER !== undefined)('pages without storage', () => {
  afterEach(killAll);

  it('compute for a run, and show it', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    const listen = ['--listen', '127.0.0.1:0', '--run-dir', runDir];
    const coordinator = start(['coordinator', ...RECIPE, ...listen], { LOCKSTEP_TOKEN: TOKEN });
    const host = (): string | undefined => /listening on ws:\/\/(\S+?:\d+)/.exec(coordinator.output())?.[1];
    await until('the coordinator listens', () => host() !== undefined);
    const browser = await openBrowser();
    onTestFinished(() => browser.close());

    const join = await openPage(browser);
    await join.page.addInitScript(BLOCK);
    await join.page.goto(`http://${host()!}/join#token=${TOKEN}&start=1`);
    await join.page.getByText(/^Computing for/).waitFor();
    expect(join.complaints).toEqual([]);

    const live = await openPage(browser);
    await live.page.addInitScript(BLOCK);
    await live.page.goto(`http://${host()!}/#token=${TOKEN}`);
    await live.page
      .getByText(/Chromium/)
      .first()
      .waitFor();
    expect(live.complaints).toEqual([]);
  });
});
