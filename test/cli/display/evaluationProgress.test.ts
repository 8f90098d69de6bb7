import type { WriteStream } from 'node:tty';
import { expect, it } from 'vitest';
import { EvaluationProgress } from '../../../src/cli/display/evaluationProgress.js';

function terminal(columns: number): { readonly out: WriteStream; readonly written: string[] } {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  return { out: { columns, write } as unknown as WriteStream, written };
}

it('shows how far an evaluation is, at most as often as anybody can read, and leaves nothing behind', () => {
  const { out, written } = terminal(80);
  const progress = new EvaluationProgress(out);
  progress.show(2500, 10_000);
  for (let done = 2600; done < 2700; done++) progress.show(done, 10_000);
  expect(written[0]).toMatch(/^\r\u001b\[2Kevaluating ━━━─{9} 25 % {2}2,500\/10,000 images {2}left 0:00$/);
  expect(written.length).toBeLessThan(50);
  progress.clear();
  expect(written.at(-1)).toBe('\r\u001b[2K');
});

it('fits into a narrow terminal', () => {
  const { out, written } = terminal(30);
  new EvaluationProgress(out).show(1, 2);
  expect(written[0]!.replace('\r\u001b[2K', '').length).toBe(29);
});
