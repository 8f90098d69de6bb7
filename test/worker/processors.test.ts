import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { usableProcessors } from '../../src/worker/processors.js';

const HOST = 64;
const within = (files: Readonly<Record<string, string>>): number =>
  usableProcessors(HOST, (file) => (Object.hasOwn(files, file) ? files[file] : undefined));

describe('the processors that a process may use', () => {
  it('are those that Node counts, where there is no quota', () => {
    expect(within({})).toBe(HOST);
    expect(within({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBe(HOST);
    expect(
      within({
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      }),
    ).toBe(HOST);
  });

  it.each<[string, number, Record<string, string>]>([
    ['of one processor', 1, { '/sys/fs/cgroup/cpu.max': '100000 100000\n' }],
    ['of two and a half', 2, { '/sys/fs/cgroup/cpu.max': '250000 100000\n' }],
    ['of half a processor', 1, { '/sys/fs/cgroup/cpu.max': '50000 100000\n' }],
    ['of more than the host has', HOST, { '/sys/fs/cgroup/cpu.max': '9900000 100000\n' }],
    [
      'of a group within groups, the narrowest of which counts',
      3,
      {
        '/proc/self/cgroup': '0::/system.slice/lockstep.service\n',
        '/sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
        '/sys/fs/cgroup/system.slice/lockstep.service/cpu.max': '800000 100000\n',
      },
    ],
    [
      'of version 1',
      4,
      {
        '/proc/self/cgroup': '5:memory:/docker/f00\n4:cpu,cpuacct:/docker/f00\n',
        '/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_quota_us': '400000\n',
        '/sys/fs/cgroup/cpu,cpuacct/docker/f00/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/memory/docker/f00/cpu.cfs_quota_us': '100000\n',
      },
    ],
    [
      'of version 1, seen from within the container',
      2,
      {
        '/proc/self/cgroup': '4:cpu,cpuacct:/docker/f00\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
    ],
  ])('are bounded by a quota %s', (_what, expected, files) => {
    expect(within(files)).toBe(expected);
  });

  it('are at least one and at most all on this machine', () => {
    expect(usableProcessors()).toBeGreaterThanOrEqual(1);
    expect(usableProcessors()).toBeLessThanOrEqual(availableParallelism());
  });
});
