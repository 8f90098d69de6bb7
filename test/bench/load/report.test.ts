import { describe, expect, it } from 'vitest';
import type { LoadFigures } from '../../../bench/load/measure.js';
import { loadTable, memoryLines } from '../../../bench/load/report.js';
import type { LoadRow } from '../../../bench/load/report.js';

function row(nodes: number, stepsPerSecond: readonly number[], residentBytesPeak: number): LoadRow {
  const figures: LoadFigures = {
    nodes,
    microBatchesPerStep: nodes,
    stepsMeasured: 10,
    stepsPerSecond: 0,
    bytesInPerSecond: 300e6,
    bytesOutPerSecond: 200e6,
    framesInPerSecond: 0,
    framesOutPerSecond: 0,
    userMsPerStep: 2 * nodes,
    systemMsPerStep: 0.5 * nodes,
    answersPerItem: 1,
    setUpMsMedian: 0,
    setUpMsMax: 0,
    residentBytesPeak,
    lost: [],
  };
  const loopback = { tcpBytesPerSecond: 2e9, webSocketBytesPerSecond: 1e9 };
  return {
    nodes,
    rounds: stepsPerSecond.map((each) => ({
      loopback,
      bareMs: 1.1,
      figures: { ...figures, stepsPerSecond: each },
    })),
  };
}

describe('the load report', () => {
  it('shows medians, and the bytes of both directions against the limit', () => {
    const [headings, , line] = loadTable([row(16, [1, 9, 4], 0)])
      .split('\n')
      .map((text) => text.split(/ {2,}/));
    expect(line![headings!.indexOf('steps/s')]).toBe('4.00');
    expect(line![headings!.indexOf('in+out : ws')]).toBe('0.50');
    expect(line![headings!.indexOf('ms/gradient')]).toBe('2.50');
    expect(line![headings!.indexOf('bare ws')]).toBe('1.10');
  });

  it('says what one more connection costs, whatever the order of the loads', () => {
    const rows = [row(256, [1], 355e6), row(1, [1], 100e6)];
    const idle = [
      { nodes: 1, residentBytes: 90e6 },
      { nodes: 256, residentBytes: 100.2e6 },
    ];
    expect(memoryLines(rows, idle)).toEqual([
      'resident, attached and idle: 1: 90 MB, 256: 100 MB; 40 kB a connection',
      'resident, peak while training: 256: 355 MB, 1: 100 MB; 1.00 MB a connection',
    ]);
  });

  it('says nothing of one more connection where only one load was measured', () => {
    const [idle, peak] = memoryLines([row(16, [1], 1e6)], [{ nodes: 16, residentBytes: 1e6 }]);
    expect(`${idle} ${peak}`).not.toMatch(/NaN|a connection/);
  });
});
