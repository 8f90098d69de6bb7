/** The load figures as text. */

import { median } from '../statistics.js';
import { renderTable } from '../table.js';
import type { IdleMemory } from './idleMemory.js';
import type { LoopbackLimit } from './loopback.js';
import type { LoadFigures } from './measure.js';

const MEGABYTE = 1e6;

export interface LoadRow {
  readonly nodes: number;
  /** One per round. */
  readonly rounds: readonly {
    readonly figures: LoadFigures;
    readonly loopback: LoopbackLimit;
    /** Processor time of bare `ws` for a frame in and one out. */
    readonly bareMs: number;
  }[];
}

const HEADINGS = [
  'nodes',
  'steps/s',
  'frames/s in',
  'out',
  'MB/s in',
  'out',
  'TCP MB/s',
  'ws MB/s',
  'in+out : ws',
  'user ms/step',
  'system',
  'ms/gradient',
  'bare ws',
  'answers/item',
  'set-up ms',
  'max',
  'MB peak',
];

/** Medians over the rounds. */
export function loadTable(rows: readonly LoadRow[]): string {
  return renderTable(HEADINGS, rows.map(cellsOf));
}

function cellsOf({ nodes, rounds }: LoadRow): string[] {
  const of = (look: (figures: LoadFigures) => number): number =>
    median(rounds.map(({ figures }) => look(figures)));
  const limit = (look: (loopback: LoopbackLimit) => number): number =>
    median(rounds.map(({ loopback }) => look(loopback)));
  const share = median(
    rounds.map(
      ({ figures, loopback }) =>
        (figures.bytesInPerSecond + figures.bytesOutPerSecond) / loopback.webSocketBytesPerSecond,
    ),
  );
  return [
    String(nodes),
    of((figures) => figures.stepsPerSecond).toFixed(2),
    of((figures) => figures.framesInPerSecond).toFixed(0),
    of((figures) => figures.framesOutPerSecond).toFixed(0),
    megabytes(of((figures) => figures.bytesInPerSecond)),
    megabytes(of((figures) => figures.bytesOutPerSecond)),
    megabytes(limit((loopback) => loopback.tcpBytesPerSecond)),
    megabytes(limit((loopback) => loopback.webSocketBytesPerSecond)),
    share.toFixed(2),
    of((figures) => figures.userMsPerStep).toFixed(1),
    of((figures) => figures.systemMsPerStep).toFixed(1),
    of(
      ({ userMsPerStep, systemMsPerStep, microBatchesPerStep }) =>
        (userMsPerStep + systemMsPerStep) / microBatchesPerStep,
    ).toFixed(2),
    median(rounds.map(({ bareMs }) => bareMs)).toFixed(2),
    of((figures) => figures.answersPerItem).toFixed(2),
    of((figures) => figures.setUpMsMedian).toFixed(0),
    of((figures) => figures.setUpMsMax).toFixed(0),
    megabytes(of((figures) => figures.residentBytesPeak)),
  ];
}

/** The cost of one more connection, from the smallest load to the largest. */
export function memoryLines(rows: readonly LoadRow[], idle: readonly IdleMemory[]): string[] {
  const peaks = rows.map(({ nodes, rounds }) => ({
    nodes,
    residentBytes: median(rounds.map(({ figures }) => figures.residentBytesPeak)),
  }));
  return [
    `resident, attached and idle: ${pointsText(idle, (bytes) => `${(bytes / 1000).toFixed(0)} kB`)}`,
    `resident, peak while training: ${pointsText(peaks, (bytes) => `${(bytes / MEGABYTE).toFixed(2)} MB`)}`,
  ];
}

function pointsText(points: readonly IdleMemory[], show: (bytes: number) => string): string {
  const all = points.map(({ nodes, residentBytes }) => `${nodes}: ${megabytes(residentBytes)} MB`).join(', ');
  const byNodes = [...points].sort((a, b) => a.nodes - b.nodes);
  const [few, many] = [byNodes[0]!, byNodes.at(-1)!];
  if (many.nodes === few.nodes) return all;
  const bytesPerNode = (many.residentBytes - few.residentBytes) / (many.nodes - few.nodes);
  return `${all}; ${show(bytesPerNode)} a connection`;
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(0);
}
