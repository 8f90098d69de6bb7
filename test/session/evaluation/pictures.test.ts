import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { syntheticTestSet } from '../../../src/data/index.js';
import { savePngs } from '../../../src/session/evaluation/pictures.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

it('gives files names that a disk takes, whatever classes and pictures are called', async () => {
  const classNames = ['ж'.repeat(80), '🙂/../'.repeat(20)];
  const folder = temporaryFolder();
  const image = {
    index: 3,
    label: 0,
    predicted: 1,
    file: `a/${'字'.repeat(70)}.png`,
    confidence: 1,
    loss: 1,
  };
  await savePngs(folder, [image as never], { set: syntheticTestSet(), classNames });
  const [name, ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  expect(Buffer.byteLength(name!)).toBeLessThan(250);
  expect(name).toMatch(/^01-test3-ж{30}-as-.*-字{20}\.png$/);
});
