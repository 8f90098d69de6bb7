import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluationNames, readEvaluation, saveEvaluation } from '../../../src/coordinator/index.js';
import { evaluationOf } from '../../support/evaluations.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('an evaluation in a run folder', () => {
  it('is read as it was written, and replaces none of the same second', async () => {
    const folder = temporaryFolder();
    const evaluations = [1, 2, 3].map((epoch) => evaluationOf({ testLoss: epoch }));
    const files = await Promise.all(evaluations.map((each) => saveEvaluation(folder, each)));
    expect(new Set(files).size).toBe(3);
    expect(readdirSync(folder).sort()).toEqual([
      'evaluation-2026-01-02T03-04-05-epoch3-2.json',
      'evaluation-2026-01-02T03-04-05-epoch3-3.json',
      'evaluation-2026-01-02T03-04-05-epoch3.json',
    ]);
    for (const [place, file] of files.entries()) {
      expect(await readEvaluation(folder, path.basename(file))).toEqual(evaluations[place]);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(evaluations[place]);
    }
  });

  it('is listed with the latest first, among whatever else lies there', async () => {
    const folder = temporaryFolder();
    await saveEvaluation(folder, evaluationOf({ evaluatedAt: '2026-01-02T03:04:05.000Z', epoch: 9 }));
    await saveEvaluation(folder, evaluationOf({ evaluatedAt: '2026-02-01T00:00:00.000Z', epoch: 1 }));
    writeFileSync(path.join(folder, 'config.json'), '{}');
    expect(await evaluationNames(folder)).toEqual([
      'evaluation-2026-02-01T00-00-00-epoch1.json',
      'evaluation-2026-01-02T03-04-05-epoch9.json',
    ]);
    expect(await evaluationNames(path.join(folder, 'none'))).toEqual([]);
  });

  it('leaves nothing behind where it cannot be written', async () => {
    const nowhere = path.join(temporaryFolder(), 'gone');
    await expect(saveEvaluation(nowhere, evaluationOf())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  const tooMany = Array.from({ length: 101 }, () => evaluationOf().worstImages[1]);
  it.each<[string, unknown]>([
    ['no JSON', '{"classes":'],
    ['another JSON', { a: 1 }],
    ['a confusion matrix that is not square', { ...evaluationOf(), confusion: [[1, 1]] }],
    [
      'a label without a class',
      { ...evaluationOf(), worstImages: [{ ...evaluationOf().worstImages[1], label: 2 }] },
    ],
    [
      'pixels that do not fit their shape',
      {
        ...evaluationOf(),
        worstImages: [
          {
            ...evaluationOf().worstImages[1],
            image: { height: 64, width: 64, channels: 3, pixels: 'AAAA' },
          },
        ],
      },
    ],
    [
      'an image of a thousand by a thousand',
      {
        ...evaluationOf(),
        worstImages: [
          {
            ...evaluationOf().worstImages[1],
            image: { height: 1000, width: 1000, channels: 1, pixels: Buffer.alloc(1e6).toString('base64') },
          },
        ],
      },
    ],
    ['more images than it may hold', { ...evaluationOf(), worstImages: tooMany }],
    ['more bytes than it may have', ' '.repeat(5 << 20)],
  ])('is passed over if it holds %s', async (_what, content) => {
    const folder = temporaryFolder();
    const name = 'evaluation-x.json';
    writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
    expect(await readEvaluation(folder, name)).toBeUndefined();
  });

  it('is no folder, and no file of another place', async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, 'evaluation-folder.json'));
    expect(await readEvaluation(folder, 'evaluation-folder.json')).toBeUndefined();
    const run = path.join(folder, 'run');
    mkdirSync(run);
    await saveEvaluation(folder, evaluationOf());
    const [name] = await evaluationNames(folder);
    expect(await readEvaluation(run, `../${name}`)).toBeUndefined();
    symlinkSync(path.join(run, 'nowhere'), path.join(folder, 'evaluation-link.json'));
    expect(await readEvaluation(folder, 'evaluation-link.json')).toBeUndefined();
  });

  it('is shown without control characters', async () => {
    const folder = temporaryFolder();
    const name = 'evaluation-x.json';
    writeFileSync(path.join(folder, name), JSON.stringify(evaluationOf({ model: '\u001b[2Jres' })));
    expect((await readEvaluation(folder, name))?.model).toBe('\ufffd[2Jres');
  });
});
