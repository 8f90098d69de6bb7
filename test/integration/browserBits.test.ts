/** Engine `simd` in real browsers, from the very modules that Node loads: the bits are Node's. */

import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import { compute } from './support/browserBits/compute.js';
import type { Answer } from './support/browserBits/job.js';
import { JOBS } from './support/browserBits/jobs.js';
import { servePage } from './support/browserBits/pageServer.js';
import { NO_FIREFOX, openInFirefox } from './support/firefox.js';
import { GOLDEN_RECIPE, readGoldenDigests } from './support/goldenTraining.js';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  start,
  temporaryFolder,
  untilListening,
} from './support/lockstep.js';

for (const reason of [NO_BROWSER, NO_FIREFOX]) {
  if (reason !== undefined) console.warn(`SKIPPED: a browser's bits are not compared: ${reason}`);
}

interface BrowserUnderTest {
  readonly name: string;
  readonly userAgent: RegExp;
  /** It has Node's own compiler. Another may find no fused multiply-add where Node does (Firefox 140 on a Zen 4). */
  readonly fusesAsNode: boolean;
  /** Why it cannot be tested here. */
  readonly reason: string | undefined;
  readonly open: (url: string) => Promise<void>;
}

const BROWSERS: readonly BrowserUnderTest[] = [
  { name: 'Chromium', userAgent: /Chrome\//, fusesAsNode: true, reason: NO_BROWSER, open: openInChromium },
  { name: 'Firefox', userAgent: /Firefox\//, fusesAsNode: false, reason: NO_FIREFOX, open: openInFirefox },
];

/** The class of hosts that do not fuse. */
const PLAIN_CLASS = 'simd/1';

const networkOf = ({ name }: Answer): string => name.replace(/, numerics \w+$/, '');
const bitsOf = (answer: Answer): string => JSON.stringify({ ...answer, name: networkOf(answer) });

async function openInChromium(url: string): Promise<void> {
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const { page } = await openPage(browser);
  await page.goto(url);
}

const TOKEN = 'browser-bits-secret';

describe.skipIf(BROWSERS.every(({ reason }) => reason !== undefined))('engine simd', () => {
  const byNode: Answer[] = [];
  beforeAll(async () => {
    for (const job of JOBS) byNode.push(await compute(job));
  });

  afterEach(killAll);

  for (const { name, userAgent, fusesAsNode, reason, open } of BROWSERS) {
    const expectClassOf = (numericsClass: string | undefined): void => {
      const ofNode = byNode[0]!.numericsClass;
      expect(fusesAsNode ? [ofNode] : [ofNode, PLAIN_CLASS]).toContain(numericsClass);
    };

    it.skipIf(reason !== undefined)(`has the bits of Node in ${name}, for every golden network`, async () => {
      const { url, computed } = await servePage(JOBS);
      await open(url);
      const found = await computed;
      expect(found.userAgent).toMatch(userAgent);
      expect(found.answers.map((answer) => answer.name)).toEqual(JOBS.map((job) => job.name));
      expectClassOf(found.answers[0]?.numericsClass);
      const known = new Set(byNode.map(bitsOf));
      const different = found.answers.filter((answer) => !known.has(bitsOf(answer)));
      expect(different.map((answer) => `${answer.name} (${answer.numericsClass})`)).toEqual([]);
    });

    it.skipIf(reason !== undefined)(`trains in a tab of ${name} to the committed digest`, async () => {
      const host = `127.0.0.1:${await freePort()}`;
      const runDir = path.join(temporaryFolder(), 'run');
      const coordinator = start(['coordinator', ...GOLDEN_RECIPE, '--run-dir', runDir, '--listen', host], {
        LOCKSTEP_TOKEN: TOKEN,
      });
      await untilListening(coordinator);
      await open(`http://${host}/join#token=${TOKEN}&start=1`);
      expect((await coordinator.finished).exitCode).toBe(0);
      const { numericsClasses, lastWeightsSha256 } = readResult(runDir);
      expect(numericsClasses).toHaveLength(1);
      expectClassOf(numericsClasses[0]);
      expect(lastWeightsSha256).toBe(readGoldenDigests()[numericsClasses[0]!]);
      expect(readMetrics(runDir).filter(({ event }) => event === 'worker-joined')).toHaveLength(1);
    });
  }
});
