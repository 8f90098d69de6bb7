/**
 * The charts: one for each kind of value, with the lines of all selected runs. Drag to zoom, double-click to zoom out; with
 * the keyboard, arrows move along the values, + and - zoom, 0 zooms out.
 */

import uPlot from 'uplot';
import { svgFile } from '../../watch/report/linePlot.js';
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
/** Of ticks of epochs and steps: there is no epoch 1.5. */
const WHOLE_STEPS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap((power) =>
  [1, 2, 5].map((factor) => factor * power),
);
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

  /** With the colours of a page that has become dark or light. */
  restyle(): void {
    this.charts.forEach((chart) => chart.restyle());
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
  private settings: ChartSettings | undefined;
  /** What the plot was made for: lines with other names or axes need a new one. */
  private shape = '';

  constructor(readonly kind: ChartKind) {
    const savers = element(
      'span',
      {},
      button('PNG', () => this.savePng(), { 'aria-label': `save ${kind.title} as PNG` }),
      button('SVG', () => this.saveSvg(), { 'aria-label': `save ${kind.title} as SVG` }),
    );
    this.figure = element(
      'figure',
      { class: 'chart' },
      element('figcaption', {}, kind.title, savers),
      this.place,
    );
    this.place.tabIndex = 0;
    this.place.setAttribute('role', 'img');
    this.place.addEventListener('keydown', (event) => {
      if (this.plot && steer(this.plot, event.key)) event.preventDefault();
    });
  }

  restyle(): void {
    this.shape = '';
  }

  show(runs: readonly DrawnRun[], settings: ChartSettings): void {
    this.series = seriesOf(this.kind, runs, settings.axis, settings.smoothing).filter(
      ({ points }) => points.length > 0,
    );
    this.settings = settings;
    const isLogarithmic = this.isLogarithmic();
    const data = aligned(this.series, isLogarithmic);
    this.place.setAttribute('aria-label', this.described());
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

  private isLogarithmic(): boolean {
    return this.settings?.isLogarithmic === true && this.kind.mayBeLogarithmic;
  }

  /** For those who do not see it: the last value of each line. */
  private described(): string {
    const last = this.series.map(({ name, points }) => `${name} ${this.write(points.at(-1)![1])}`);
    return `${this.kind.title}: ${last.length === 0 ? 'no values yet' : last.join(', ')}`;
  }

  private write(value: number): string {
    return this.kind.unit === 'share' ? percent(value) : short(value);
  }

  fit(): void {
    this.plot?.setSize({ width: this.widthPx(), height: HEIGHT_PX });
  }

  private options(axis: XAxis, isLogarithmic: boolean): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const soft = style.getPropertyValue('--soft');
    const rule = style.getPropertyValue('--rule');
    const write = (value: number): string => this.write(value);
    const lines = { stroke: soft, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 } };
    return {
      width: this.widthPx(),
      height: HEIGHT_PX,
      scales: { x: { time: false }, y: isLogarithmic ? { distr: 3 } : {} },
      axes: [
        {
          ...lines,
          label: X_TITLES[axis],
          labelSize: 18,
          size: 34,
          ...(axis === 'time' ? {} : { incrs: WHOLE_STEPS }),
        },
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

  private saveSvg(): void {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const lines = this.series.map(({ name, colour: stroke, isDashed, points }) => ({
      ...{ name, isDashed, colour: stroke },
      points: points.map(([x, y]) => ({ x, y })),
    }));
    const options = {
      title: this.kind.title,
      xTitle: X_TITLES[this.settings?.axis ?? 'epoch'],
      label: (value: number) => this.write(value),
      isLogarithmic: this.isLogarithmic(),
      isWholeX: this.settings?.axis !== 'time',
    };
    const file = svgFile(lines, options, {
      ink: colour('--ink'),
      paper: colour('--paper'),
      rule: colour('--rule'),
    });
    if (file !== undefined) saveAs(new Blob([file], { type: 'image/svg+xml' }), `${this.fileStem()}.svg`);
  }

  private fileStem(): string {
    return this.kind.title.toLowerCase().replaceAll(' ', '-');
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
      if (blob) saveAs(blob, `${this.fileStem()}.png`);
    });
  }
}

/** A line of one point would not be seen. */
function isAlone({ data }: uPlot, index: number): boolean {
  return Array.from(data[index] as ArrayLike<number | null>).filter((value) => value !== null).length === 1;
}

/** @returns whether the key was one that does something */
function steer(plot: uPlot, key: string): boolean {
  const xs = plot.data[0];
  const { min, max } = plot.scales['x']!;
  if (xs.length === 0 || typeof min !== 'number' || typeof max !== 'number') return false;
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowRight': {
      const at = plot.cursor.idx ?? (key === 'ArrowLeft' ? xs.length : -1);
      const to = Math.min(xs.length - 1, Math.max(0, at + (key === 'ArrowLeft' ? -1 : 1)));
      plot.setCursor({ left: plot.valToPos(xs[to]!, 'x'), top: plot.bbox.height / 2 / devicePixelRatio });
      return true;
    }
    case '+':
    case '-': {
      const place = plot.cursor.idx;
      const middle = typeof place === 'number' ? xs[place]! : (min + max) / 2;
      const half = ((max - min) / 2) * (key === '+' ? 0.5 : 2);
      plot.setScale('x', {
        min: Math.max(xs[0]!, middle - half),
        max: Math.min(xs.at(-1)!, middle + half),
      });
      return true;
    }
    case '0':
      plot.setScale('x', { min: xs[0]!, max: xs.at(-1)! });
      return true;
    default:
      return false;
  }
}

/** One ascending list of all x; in each line null where it has no point there, or none that the axis can show. */
function aligned(series: readonly Series[], isLogarithmic: boolean): uPlot.AlignedData {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const columns = series.map(({ points }) => {
    const values = new Map(points);
    return xs.map((x) => {
      const y = values.get(x) ?? null;
      return isLogarithmic && y !== null && y <= 0 ? null : y;
    });
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
