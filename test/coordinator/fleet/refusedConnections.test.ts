import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RefusedConnections } from '../../../src/coordinator/fleet/refusedConnections.js';
import type { RunEvent } from '../../../src/coordinator/index.js';

let events: RunEvent[];
let connections: RefusedConnections;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  events = [];
  connections = new RefusedConnections((event) => events.push(event));
});
afterEach(() => void vi.useRealTimers());

const told = (address: string, reason: string, count: number): RunEvent => ({
  event: 'connection-refused',
  address,
  reason,
  count,
});
const refuse = (times: number, address: string, reason = 'a wrong token'): void => {
  for (let time = 0; time < times; time++) connections.refused(address, reason);
};

it('tells the first of a host and reason at once, and how many followed after a minute', () => {
  refuse(1000, '192.0.2.7');
  refuse(1, '192.0.2.7', 'no token');
  refuse(1, '192.0.2.8');
  const firsts = [
    told('192.0.2.7', 'a wrong token', 1),
    told('192.0.2.7', 'no token', 1),
    told('192.0.2.8', 'a wrong token', 1),
  ];
  expect(events).toEqual(firsts);
  vi.advanceTimersByTime(60_000);
  expect(events).toEqual([...firsts, told('192.0.2.7', 'a wrong token', 999)]);
  refuse(5, '192.0.2.7');
  vi.advanceTimersByTime(60_000);
  expect(events.slice(4)).toEqual([told('192.0.2.7', 'a wrong token', 5)]);
  vi.advanceTimersByTime(60_000);
  refuse(1, '192.0.2.7');
  expect(events.slice(5)).toEqual([told('192.0.2.7', 'a wrong token', 1)]);
});

it('counts hosts and reasons that are invented by the thousand together', () => {
  for (let host = 0; host < 5000; host++) refuse(1, `2001:db8::${host.toString(16)}`);
  vi.advanceTimersByTime(59_000);
  expect(events).toHaveLength(65);
  expect(events.at(-1)).toMatchObject({ address: 'other addresses', count: 1 });
  connections.close();
  expect(events.slice(65)).toEqual([told('other addresses', 'various reasons', 5000 - 65)]);
});

it('tells nothing more once it is closed', () => {
  refuse(3, '192.0.2.7');
  connections.close();
  const before = [told('192.0.2.7', 'a wrong token', 1), told('192.0.2.7', 'a wrong token', 2)];
  expect(events).toEqual(before);
  refuse(3, '192.0.2.7');
  expect(events).toEqual(before);
  expect(vi.getTimerCount()).toBe(0);
});
