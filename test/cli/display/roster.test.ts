import { describe, expect, it } from 'vitest';
import { Roster } from '../../../src/cli/display/roster.js';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { joined, left, step } from './displayEvents.js';

function after(...events: RunEvent[]): string {
  const roster = new Roster();
  for (const event of events) roster.event(event);
  return roster.text();
}

describe('the roster', () => {
  it('says who is working, in the order of their coming', () => {
    expect(after()).toBe('workers: none');
    expect(after(joined('local', 2), step(1), joined('alpha', 4))).toBe('workers: local×2, alpha×4');
  });

  it('drops who has left, and takes back who returns', () => {
    const gone = [joined('local', 2), joined('alpha', 4), left('local', 2)];
    expect(after(...gone)).toBe('workers: alpha×4');
    expect(after(...gone, left('alpha', 4))).toBe('workers: none');
    expect(after(...gone, joined('local', 1))).toBe('workers: alpha×4, local×1');
  });

  it('adds up nodes of the same name', () => {
    const both = [joined('alpha', 4), joined('alpha', 2)];
    expect(after(...both)).toBe('workers: alpha×6');
    expect(after(...both, left('alpha', 4))).toBe('workers: alpha×2');
  });
});
