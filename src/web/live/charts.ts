/** The charts: one for each kind of value, with the lines of all selected runs. Drag to zoom, double-click to zoom out. */

import uPlot from 'uplot';
import { button, element } from './dom.js';
import { percent, short } from './format.js';
import { CHARTS, seriesOf } from './series.js';
import type { ChartKind, DrawnRun, Series, XAxis } from './series.js';

export interface ChartSettings {
  readonly axis: XAxis;
  readonly smoothing: number;
  readonly isLogarithmic: boolean;
}

const HEIGHT_PX = 240;
const X_TITLES: Readonly<Record<XAxis, string>> = { epoch: 'epoch', step: 'step', time: 'hours' };

export class Charts {
  private readonly charts: readonly Chart[];

  constructor(place: HTMLElement) {
    this.charts = CHARTS.map((kind) => new Chart(kind));
    place.replaceChildren(...this.charts.map(({ figure }) => figure));
    new ResizeObserver(() => this.charts.forEach((chart) => chart.fit())).observe(place);
  }

  show(runs: readonly DrawnRun[], settings: ChartSettings): void {
    this.charts.forEach((chart) => chart.show(runs, settings));
  }

  /** All lines of all charts: `chart,run,x,y`. */
  csv(): string {
    const lines = this.charts.flatMap(({ kind, series }) =>
      series.flatMap(({ name, points }) =>
        points.map(([x, y]) => [kind.title, name, x, y].map(csvCell).join(',')),
      ),
    );
    return ['chart,line,x,y', ...lines, ''].join('\n');
  }
}

class Chart {
  readonly figure: HTMLElement;
  series: readonly Series[] = [];
  private readonly place = element('div');
  private plot: uPlot | undefined;
  /** What the plot was made for: lines with other names or axes need a new one. */
  private shape = '';

  constructor(readonly kind: ChartKind) {
    const save = button('PNG', () => this.savePng(), { 'aria-label': `save ${kind.title} as PNG` });
    this.figure = element(
      'figure',
      { class: 'chart' },
      element('figcaption', {}, kind.title, save),
      this.place,
    );
  }

  show(runs: readonly DrawnRun[], settings: ChartSettings): void {
    this.series = seriesOf(this.kind, runs, settings.axis, settings.smoothing).filter(
      ({ points }) => points.length > 0,
    );
    const data = aligned(this.series);
    const isLogarithmic = settings.isLogarithmic && this.kind.isLoss;
    const shape = JSON.stringify([
      settings.axis,
      isLogarithmic,
      this.series.map(({ name, colour }) => [name, colour]),
    ]);
    if (this.plot && shape === this.shape) {
      // A zoomed chart stays where it is; one that shows all goes on showing all.
      const { min, max } = this.plot.scales['x']!;
      const [first, last] = [this.plot.data[0][0], this.plot.data[0].at(-1)];
      this.plot.setData(data, min === first && max === last);
      return;
    }
    this.shape = shape;
    this.plot?.destroy();
    this.plot = undefined;
    if (this.series.length === 0) {
      this.place.replaceChildren(element('p', { class: 'empty' }, 'No values yet.'));
      return;
    }
    this.place.replaceChildren();
    this.plot = new uPlot(this.options(settings.axis, isLogarithmic), data, this.place);
  }

  fit(): void {
    this.plot?.setSize({ width: this.widthPx(), height: HEIGHT_PX });
  }

  private options(axis: XAxis, isLogarithmic: boolean): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const soft = style.getPropertyValue('--soft');
    const rule = style.getPropertyValue('--rule');
    const write = this.kind.unit === 'share' ? (value: number) => percent(value) : short;
    const lines = { stroke: soft, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 } };
    return {
      width: this.widthPx(),
      height: HEIGHT_PX,
      scales: { x: { time: false }, y: isLogarithmic ? { distr: 3 } : {} },
      axes: [
        { ...lines, label: X_TITLES[axis], labelSize: 18, size: 34 },
        {
          ...lines,
          size: 72,
          values: (_, values) => values.map((value) => (value === null ? '' : write(value))),
        },
      ],
      cursor: { focus: { prox: 24 } },
      focus: { alpha: 0.35 },
      series: [
        { label: X_TITLES[axis], value: (_, value) => (value === null ? '' : short(value)) },
        ...this.series.map(({ name, colour, isDashed }) => ({
          label: name,
          stroke: colour,
          width: 1.6,
          ...(isDashed ? { dash: [5, 4] } : {}),
          spanGaps: true,
          points: { show: isAlone },
          value: (_: uPlot, value: number | null) => (value === null ? '' : write(value)),
        })),
      ],
    };
  }

  private widthPx(): number {
    return Math.max(240, this.figure.clientWidth);
  }

  /** With the paper behind it: the drawing itself is transparent. */
  private savePng(): void {
    const drawing = this.plot?.ctx.canvas;
    if (!drawing) return;
    const canvas = element('canvas');
    canvas.width = drawing.width;
    canvas.height = drawing.height;
    const context = canvas.getContext('2d')!;
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(drawing, 0, 0);
    canvas.toBlob((blob) => {
      if (blob) saveAs(blob, `${this.kind.title.toLowerCase().replaceAll(' ', '-')}.png`);
    });
  }
}

/** A line of one point would not be seen. */
function isAlone({ data }: uPlot, index: number): boolean {
  return Array.from(data[index] as ArrayLike<number | null>).filter((value) => value !== null).length === 1;
}

/** One ascending list of all x; in each line null where it has no point there. */
function aligned(series: readonly Series[]): uPlot.AlignedData {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const columns = series.map(({ points }) => {
    const values = new Map(points);
    return xs.map((x) => values.get(x) ?? null);
  });
  return [xs, ...columns];
}

export function saveAs(content: Blob, name: string): void {
  const link = element('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/** A cell that a spreadsheet would take for a formula is quoted as text. */
function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t]/.test(value) ? `'${value}` : value;
  return /[",\n']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
