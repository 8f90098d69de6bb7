import { expect, it } from 'vitest';
import { evaluationLines } from '../../../src/cli/display/evaluation.js';
import { evaluationOf } from '../../support/evaluations.js';

it('names the files of the worst images where they have some', () => {
  const { worstImages } = evaluationOf();
  const named = worstImages.map((image, place) =>
    place === 0 ? { ...image, file: 'test/cat/a.png' } : image,
  );
  const linesOf = (images: typeof worstImages): readonly string[] =>
    evaluationLines({ ...evaluationOf(), worstImages: images, savedAs: null }, undefined);
  expect(linesOf(worstImages).join('\n')).not.toContain('file');
  const lines = linesOf(named).slice(-3);
  expect(lines[0]).toMatch(/image .* taken for +file$/);
  expect(lines[1]).toMatch(/^ +7 .* test\/cat\/a\.png$/);
  expect(lines[2]).toMatch(/^ +9 .* -$/);
});
