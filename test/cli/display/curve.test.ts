import { expect, it } from 'vitest';
import { curveLines } from '../../../src/cli/display/curve.js';

const label = (y: number): string => y.toFixed(1);
const size = { columns: 13, rows: 2 }; // 4 characters for the curve: 8 dots across, 8 down

it('draws a rising line from the lower left to the upper right', () => {
  const lines = curveLines(
    [
      { x: 0, y: 0 },
      { x: 7, y: 7 },
    ],
    size,
    label,
  );
  expect(lines).toEqual(['     7.0 ⠀⠀⡠⠊', '     0.0 ⡠⠊⠀⠀']);
});

it('gives a flat line the middle, and draws nothing for one point', () => {
  const flat = [0, 1, 2].map((x) => ({ x, y: 5 }));
  const [upper, lower] = curveLines(flat, size, label);
  expect(`${upper}${lower}`).toMatch(/[⠁-⣿]/);
  expect(upper).toContain(' 5.5 ');
  expect(lower).toContain(' 4.5 ');
  expect(curveLines(flat.slice(0, 1), size, label)).toEqual([]);
});
