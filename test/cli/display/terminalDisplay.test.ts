import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TerminalDisplay } from '../../../src/cli/display/terminalDisplay.js';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { epochEnd, FakeTerminal, joined, left, STARTED, step } from './displayEvents.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function shown(columns = 200): {
  display: TerminalDisplay;
  out: FakeTerminal;
  later: (event: RunEvent) => void;
} {
  const out = new FakeTerminal(columns);
  const display = new TerminalDisplay(out.asTerminal);
  const later = (event: RunEvent): void => {
    vi.advanceTimersByTime(2000);
    display.event(event);
  };
  return { display, out, later };
}

describe('the display of a terminal', () => {
  it('has a live line of how far the run is, how well, how long it takes yet, and who works', () => {
    const { out, later } = shown();
    for (const event of [joined('local', 2), joined('alpha', 4), STARTED, step(250)]) later(event);
    const live = out.rows.at(-1);
    // 750 steps of 2 s are 25 minutes, the 50 of the epoch 100 s.
    for (const part of [
      'epoch 3/10',
      '50 %',
      'loss 1.500',
      'acc 25.00 %',
      'left 25:00 (epoch 1:40)',
      'workers: local×2, alpha×4',
      '64 images/s',
      'lr 0.1',
    ]) {
      expect(live).toContain(part);
    }
    later(left('alpha', 4));
    later(step(251));
    expect(out.rows.at(-1)).toContain('workers: local×2  ');
  });

  it('smooths loss and accuracy within an epoch, and begins anew with the next', () => {
    const { out, later } = shown();
    later(STARTED);
    later(step(1, { loss: 2, accuracy: 0 }));
    later(step(2, { loss: 1, accuracy: 1 }));
    expect(out.rows.at(-1)).toContain('loss 1.900 acc 10.00 %');
    later(epochEnd(1));
    later(step(101, { loss: 0.5, accuracy: 0.75 }));
    expect(out.rows.at(-1)).toContain('loss 0.500 acc 75.00 %');
  });

  it('keeps the lines that stay above it, and leaves an empty one when it closes', () => {
    const { display, out, later } = shown();
    later(STARTED);
    later(step(1));
    const live = out.rows.at(-1);
    display.say('a sentence');
    expect(out.rows.slice(-2)).toEqual(['a sentence', live]);
    display.close();
    expect(out.rows.slice(-2)).toEqual(['a sentence', '']);
  });

  it('does not draw more often than anybody can read', () => {
    const { display, out, later } = shown();
    later(STARTED);
    later(step(1));
    const before = out.text;
    vi.advanceTimersByTime(50);
    display.event(step(2));
    expect(out.text).toBe(before);
  });

  it.each([40, 80])('fits in %d columns, the time left of the run in 80', (columns) => {
    const { out, later } = shown(columns);
    later(joined('a node with a name of some length', 4));
    later(STARTED);
    later(step(250));
    const live = out.rows.at(-1)!;
    expect(live.length).toBe(columns - 1);
    if (columns === 80) expect(live).toContain('left 25:00');
  });

  it.each([60, 61, 100])('fits in %d columns also with names of letters that take two each', (columns) => {
    const { out, later } = shown(columns);
    later(joined('訓練機'.repeat(20), 4));
    later(STARTED);
    later(step(250));
    const live = out.rows.at(-1)!;
    const width = live.replace(/[訓練機]/g, '##').length;
    expect(width).toBeGreaterThanOrEqual(columns - 2);
    expect(width).toBeLessThanOrEqual(columns - 1);
  });

  it('takes a terminal that does not tell its width for one of 80 columns', () => {
    const { out, later } = shown(0);
    later(joined('a node with a name of some length', 4));
    later(STARTED);
    later(step(250));
    expect(out.rows.at(-1)!.length).toBe(79);
  });

  it('lets nothing through that steers the terminal, but what it draws itself', () => {
    const { display, out } = shown();
    display.say('a\u001b]0;title\u0007b');
    display.event({ event: 'notice', message: 'tensor \u009b1mx' });
    expect(out.text.replaceAll('\r\u001b[2K', '')).not.toMatch(/[\u001b\u0007\u009b]/);
  });
});
