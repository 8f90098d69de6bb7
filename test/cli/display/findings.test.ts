import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { CheckDisplay } from '../../../src/cli/display/checkDisplay.js';
import { findingLines, outcomeLine } from '../../../src/cli/display/findings.js';
import type { FindingText } from '../../../src/cli/display/findings.js';

const PASSED: FindingText = {
  name: 'zeroed-inputs',
  group: 'dependence',
  verdict: 'pass',
  seen: '2.20 with zeros, 0.03 with the images',
  expected: 'with zeros for images a loss of at least 2.19, the entropy of the labels',
};
const FAILED: FindingText = {
  name: 'rate',
  group: 'schedule',
  verdict: 'fail',
  seen: 'from 2.67 to 29.80',
  expected: 'a loss that does not rise',
  advice: 'use a lower --lr: a tenth of it',
};
const LEFT_OUT: FindingText = {
  name: 'size',
  group: 'capacity',
  verdict: 'left-out',
  leftOut: 'it rests on slope, which failed',
};

describe('findingLines', () => {
  it('fit into the terminal, and say what was seen, what was expected and what to do', () => {
    expect(findingLines(PASSED, { columns: 80, colour: false })).toEqual([
      '  pass  zeroed-inputs  2.20 with zeros, 0.03 with the images',
      '                       expected: with zeros for images a loss of at least 2.19,',
      '                       the entropy of the labels',
    ]);
    expect(findingLines(FAILED, { columns: 80, colour: false })).toEqual([
      '  FAIL  rate           from 2.67 to 29.80',
      '                       expected: a loss that does not rise',
      '                       -> use a lower --lr: a tenth of it',
    ]);
    expect(findingLines(LEFT_OUT, { columns: 80, colour: false })).toEqual([
      '  -     size           left out: it rests on slope, which failed',
    ]);
  });

  it('have the same words in colour', () => {
    const coloured = findingLines(FAILED, { columns: 80, colour: true });
    const plain = coloured.map((line) => line.replace(/\u001b\[\d+m/g, ''));
    expect(plain).toEqual(findingLines(FAILED, { columns: 80, colour: false }));
    expect(coloured[0]).toContain('\u001b[31m');
  });

  it.each([60, 80, 200])('are no wider than a terminal of %i columns', (columns) => {
    for (const line of findingLines(PASSED, { columns, colour: false })) {
      expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    }
  });

  it('do not let text of a network or a class steer the terminal', () => {
    const hostile: FindingText = { ...PASSED, seen: 'layer \u001b[2Jx' };
    expect(findingLines(hostile, { columns: 80, colour: false }).join('')).not.toContain('\u001b');
  });
});

describe('outcomeLine', () => {
  it('names what warned and what failed', () => {
    const counts = { passed: 1, warned: 0, failed: 1, leftOut: 1, seconds: 75, saved: [] };
    expect(outcomeLine({ findings: [PASSED, FAILED, LEFT_OUT], ...counts })).toBe(
      '1 of 3 checks passed, 1 failed (rate), 1 left out; 1:15',
    );
  });
});

describe('CheckDisplay', () => {
  const shown = (isTTY: boolean): string => {
    const parts: string[] = [];
    const display = new CheckDisplay({ isTTY, columns: 80, write: (text) => parts.push(text) });
    display.start('zeroed-inputs', 16, 27);
    display.finding(PASSED);
    display.finding(FAILED);
    display.close();
    return parts.join('');
  };

  it('heads each group, and writes no live line where nobody watches', () => {
    const text = shown(false);
    expect(text).toMatch(/^\ndependence\n {2}pass/);
    expect(text).toContain('\n\nschedule\n');
    expect(text).not.toContain('17/27');
  });

  it('shows on a terminal what is being checked', () => {
    expect(shown(true)).toContain('17/27  zeroed-inputs …');
  });
});
