import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { saveEvaluation } from '../../src/coordinator/index.js';
import { reportPage, summariseRun } from '../../src/watch/index.js';
import { evaluationOf } from '../support/evaluations.js';
import { CONFIG, epochLine, makeRun, RESULT } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = {
  ...{ madeAt: '2026-01-01T00:00:00.000Z', version: '1.2.3' },
  commandFor: () => ({ command: 'lockstep train', note: undefined }),
};
const lines = [1, 2, 3].map((epoch) => epochLine(epoch));

it('shows the runs, their curves, and the options in which they differ', async () => {
  const root = temporaryFolder();
  const folders = [
    makeRun(path.join(root, 'one'), { lines, result: RESULT }),
    makeRun(path.join(root, 'two'), { lines, config: { ...CONFIG, lr: 0.5 } }),
  ];
  const page = await reportPage(folders, OPTIONS);
  expect(page).toContain('43.00 %');
  expect(page).toContain('interrupted');
  expect(page.match(/<svg/g)).toHaveLength(4);
  expect(page.match(/<polyline/g)).toHaveLength(2 * (2 + 2 + 1 + 1));
  expect(page).toMatch(/<th scope="row">lr<\/th>\s*<td>0.1<\/td>\s*<td>0.5<\/td>/);
  expect(page).not.toContain('<script');
  expect(page).not.toMatch(/(src|href)=/);
});

it('has no tick between two epochs, and none below 0 for a constant rate', async () => {
  const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines: lines.slice(0, 2) });
  const page = await reportPage([folder], OPTIONS);
  const ticks = (anchor: string): readonly string[] =>
    [...page.matchAll(new RegExp(`text-anchor="${anchor}"\\s*>([^<]+)<`, 'g'))].map(([, text]) =>
      text!.trim(),
    );
  expect(ticks('middle')).toEqual(Array.from({ length: 4 }, () => ['1', '2', 'epoch']).flat());
  expect(ticks('end').length).toBeGreaterThan(8);
  expect(ticks('end').filter((tick) => tick.startsWith('-'))).toEqual([]);
});

it.each([1e308, -1e308, 5e-324, 0])(
  'draws a curve that is always %d, from metrics of somebody else',
  async (loss) => {
    const strange = [1, 2, 3].map((epoch) => ({ ...epochLine(epoch), trainLoss: loss, lr: Math.abs(loss) }));
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines: strange });
    expect(await reportPage([folder], OPTIONS)).toContain('<polyline');
  },
);

it('shows who computed how much, and the latest evaluation with its images as pictures made anew', async () => {
  const workers = [{ node: 'alpha', samples: 30 }];
  const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines: [epochLine(1, { workers })] });
  await saveEvaluation(folder, evaluationOf({ testAccuracy: 0.25 }));
  await saveEvaluation(folder, evaluationOf({ evaluatedAt: '2026-02-01T00:00:00.000Z' }));
  const page = await reportPage([folder], OPTIONS);
  expect(page).toMatch(/<th scope="row">alpha<\/th>\s*<td>100.00 %<\/td>\s*<td>30<\/td>/);
  expect(page).toContain('75.00 % of 4 test images right');
  expect(page).not.toContain('25.00 % of');
  expect(page).toMatch(/<th scope="row">dog<\/th>\s*<td>100.00 %<\/td>\s*<td>66.67 %<\/td>/);
  const pictures = [...page.matchAll(/<img\s+src="data:image\/png;base64,([^"]*)"/g)].map(([, png]) => png!);
  expect(pictures).toHaveLength(1); // the other image has no pixels
  expect(Buffer.from(pictures[0]!, 'base64').subarray(1, 4).toString()).toBe('PNG');
});

it('names the files of the worst images, whatever they are called', async () => {
  const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines });
  const [worst] = evaluationOf().worstImages;
  await saveEvaluation(folder, evaluationOf({ worstImages: [{ ...worst!, file: 'test/cat/<b>1</b>.png' }] }));
  const page = await reportPage([folder], OPTIONS);
  expect(page).toContain('no. 7, test/cat/&lt;b&gt;1&lt;/b&gt;.png');
});

it.each(['', '{', '[]', '{"testAccuracy": 2}', '\u0000'.repeat(5000)])(
  'says that an evaluation is damaged: %j',
  async (content) => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines });
    writeFileSync(path.join(folder, 'evaluation-2026-01-01T00-00-00-epoch3.json'), content);
    const page = await reportPage([folder], OPTIONS);
    expect(page).toContain('evaluation-2026-01-01T00-00-00-epoch3.json is damaged');
    expect((await summariseRun(folder)).testAccuracy).toBeNull();
  },
);

it('shows a run that has not written anything yet', async () => {
  const page = await reportPage([makeRun(path.join(temporaryFolder(), 'run'))], OPTIONS);
  expect(page).toContain('0/3');
  expect(page).not.toContain('<svg');
});

it('turns whatever a file says into text', async () => {
  const hostile = '<img src=x onerror="alert(1)">';
  const folder = makeRun(path.join(temporaryFolder(), hostile), {
    config: { ...CONFIG, model: hostile, [hostile]: hostile },
    lines: [...lines, { event: 'worker-joined', node: hostile }, { event: hostile, [hostile]: "'" }],
  });
  const page = await reportPage([folder], {
    ...OPTIONS,
    commandFor: () => ({ command: hostile, note: hostile }),
  });
  expect(page).not.toContain('<img');
  expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
});
