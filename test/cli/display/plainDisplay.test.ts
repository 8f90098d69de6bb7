import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PlainDisplay } from '../../../src/cli/display/plainDisplay.js';
import { epochEnd, FakeTerminal, joined, left, STARTED, step } from './displayEvents.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function shown(): { display: PlainDisplay; lines: () => string[] } {
  const out = new FakeTerminal(0);
  return { display: new PlainDisplay(out), lines: () => out.text.split('\n').slice(0, -1) };
}

describe('the plain display', () => {
  it('gives a sign of life every ten seconds, not more', () => {
    const { display, lines } = shown();
    display.event(STARTED);
    const before = lines().length;
    for (let number = 1; number <= 12; number++) {
      vi.advanceTimersByTime(2000);
      display.event(step(number));
    }
    expect(lines().slice(before)).toEqual([
      expect.stringContaining('step 6/100'),
      expect.stringContaining('step 12/100'),
    ]);
  });

  it('says in it how far the run is, how fast, how long it takes yet, and who works', () => {
    const { display, lines } = shown();
    for (const event of [joined('local', 2), joined('alpha', 4), joined('beta', 1), STARTED]) {
      display.event(event);
    }
    display.event(left('beta', 1));
    vi.advanceTimersByTime(11_000);
    display.event(step(250, { loss: 1.23456 }));
    const line = lines().at(-1);
    // 750 steps of 2 s are 25 minutes.
    for (const part of [
      'epoch 3/10',
      'step 50/100',
      'loss 1.2346',
      'lr 0.1',
      '64 images/s',
      'left 25:00',
      'workers: local×2, alpha×4',
    ]) {
      expect(line).toContain(part);
    }
    expect(line).not.toContain('beta');
  });

  it('says at the end of an epoch how long the run takes yet, and of the last epoch nothing', () => {
    const { display, lines } = shown();
    display.event(STARTED);
    display.event(step(100));
    display.event(epochEnd(1));
    expect(lines().at(-1)).toMatch(/^epoch {3}1 .* left 30:00$/);
    display.event(step(1000));
    display.event(epochEnd(10));
    expect(lines().at(-1)).toMatch(/^epoch {2}10 /);
    expect(lines().at(-1)).not.toContain('left');
  });

  it('tells of a download in tenths', () => {
    const { display, lines } = shown();
    for (const receivedByteCount of [0, 1e6, 9e6, 10e6, 11e6, 100e6]) {
      display.download({ phase: 'downloading', receivedByteCount, totalByteCount: 100e6 });
    }
    expect(lines()).toEqual(['0', '10', '100'].map((share) => `downloading CIFAR-10: ${share} % of 100 MB`));
  });

  it('lets nothing through that steers a terminal or makes lines of its own', () => {
    const { display, lines } = shown();
    display.say('two\nlines\u001b[2J');
    display.event({ event: 'notice', message: 'tensor \u009b1mx\nweights sha256 0' });
    expect(lines().slice(0, 2)).toEqual(['two', 'lines�[2J']);
    expect(lines().slice(2)).toHaveLength(3);
    expect(lines().join('')).not.toMatch(/[\u001b\u009b]/);
  });
});
