/** The table of runs: sorted by any column, filtered by any word; a row is a run that can be shown and looked into. */

import type { ListedRun } from '../../watch/live/api.js';
import { button, element } from './dom.js';
import { stateText } from '../../watch/folders/wording.js';
import { DASH, duration, moment, percent, whole, yesNo } from './format.js';
import type { Selection } from './selection.js';

interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  /** By what rows are sorted. */
  readonly value: (run: ListedRun) => string | number | null;
  readonly cell: (run: ListedRun) => Node | string;
}

const COLUMNS: readonly Column[] = [
  { title: 'State', value: ({ state }) => state, cell: stateCell },
  { title: 'Model', value: ({ model }) => model, cell: ({ model }) => model ?? DASH },
  { title: 'Data', value: ({ dataset }) => dataset, cell: ({ dataset }) => dataset ?? DASH },
  { title: 'Epoch', isNumber: true, value: ({ epochsCompleted }) => epochsCompleted, cell: epochCell },
  {
    title: 'Best validation',
    isNumber: true,
    value: ({ bestValidationAccuracy }) => bestValidationAccuracy,
    cell: ({ bestValidationAccuracy }) => percent(bestValidationAccuracy),
  },
  {
    title: 'Test',
    isNumber: true,
    value: ({ testAccuracy }) => testAccuracy,
    cell: ({ testAccuracy }) => percent(testAccuracy),
  },
  {
    title: 'Images/s',
    isNumber: true,
    value: ({ imagesPerSecond }) => imagesPerSecond,
    cell: ({ imagesPerSecond }) => whole(imagesPerSecond),
  },
  {
    title: 'Time',
    isNumber: true,
    value: ({ wallSeconds }) => wallSeconds,
    cell: ({ wallSeconds }) => duration(wallSeconds),
  },
  {
    title: 'Exact',
    value: ({ exact }) => String(exact),
    cell: ({ exact }) => yesNo(exact),
  },
  {
    title: 'Updated',
    value: ({ updatedAt }) => updatedAt,
    cell: ({ updatedAt }) => moment(updatedAt),
  },
];

const NAME: Pick<Column, 'title' | 'value'> = { title: 'Run', value: ({ id }) => id };

export interface TableActions {
  onToggle(id: string): void;
  onOpen(id: string): void;
}

export class RunTable {
  private sortedBy: Pick<Column, 'title' | 'value'> = COLUMNS[COLUMNS.length - 1]!;
  private isDescending = true;
  private filter = '';
  private runs: readonly ListedRun[] = [];
  private drawn = '';

  constructor(
    private readonly place: HTMLElement,
    private readonly selection: Selection,
    private readonly actions: TableActions,
  ) {}

  show(runs: readonly ListedRun[]): void {
    this.runs = runs;
    this.draw();
  }

  setFilter(text: string): void {
    this.filter = text.toLowerCase();
    this.draw();
  }

  /** Draws again only if something changed: a row that has the keyboard's focus would lose it. */
  draw(): void {
    const rows = this.rows();
    const state = JSON.stringify([rows, this.sortedBy.title, this.isDescending, this.selection.ids]);
    if (state === this.drawn) return;
    this.drawn = state;
    const focused = document.activeElement?.getAttribute('data-focus');
    const body = element('tbody', {}, ...rows.map((run) => this.row(run)));
    const content =
      rows.length > 0
        ? element('table', {}, this.head(), body)
        : element(
            'p',
            { class: 'empty' },
            this.runs.length > 0
              ? 'No run matches the filter.'
              : 'No runs yet: they appear here by themselves.',
          );
    this.place.replaceChildren(content);
    if (focused !== null && focused !== undefined) {
      [...this.place.querySelectorAll<HTMLElement>('[data-focus]')]
        .find((each) => each.getAttribute('data-focus') === focused)
        ?.focus();
    }
  }

  private rows(): readonly ListedRun[] {
    const words = this.filter.split(/\s+/).filter((word) => word !== '');
    const direction = this.isDescending ? -1 : 1;
    return this.runs
      .filter((run) => {
        const text = [run.id, run.model, run.dataset, run.state].join(' ').toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => direction * compare(this.sortedBy.value(a), this.sortedBy.value(b)));
  }

  private head(): HTMLElement {
    const cells = [NAME, ...COLUMNS].map((column) => {
      const isSorted = column.title === this.sortedBy.title;
      const sort = button(column.title + (isSorted ? (this.isDescending ? ' ↓' : ' ↑') : ''), () => {
        this.isDescending = isSorted ? !this.isDescending : true;
        this.sortedBy = column;
        this.draw();
      });
      sort.setAttribute('data-focus', `sort ${column.title}`);
      const isNumber = 'isNumber' in column && column.isNumber === true;
      return element(
        'th',
        {
          scope: 'col',
          ...(isNumber ? { class: 'number' } : {}),
          ...(isSorted
            ? { 'aria-sort': this.isDescending ? ('descending' as const) : ('ascending' as const) }
            : {}),
        },
        sort,
      );
    });
    const shown = element('th', { scope: 'col' }, 'Show');
    return element('thead', {}, element('tr', {}, shown, ...cells));
  }

  private row(run: ListedRun): HTMLElement {
    const colour = this.selection.colourOf(run.id);
    const box = element('input', { type: 'checkbox', 'aria-label': `show the curves of ${run.id}` });
    box.checked = colour !== undefined;
    box.setAttribute('data-focus', `show ${run.id}`);
    box.addEventListener('change', () => this.actions.onToggle(run.id));
    const key = element('span', { class: 'key' });
    if (colour !== undefined) key.style.background = colour;
    const name = button(run.id, () => this.actions.onOpen(run.id), { class: 'name' });
    name.setAttribute('data-focus', `open ${run.id}`);
    return element(
      'tr',
      { 'aria-selected': colour === undefined ? 'false' : 'true' },
      element('td', {}, box),
      element('th', { scope: 'row' }, key, name),
      ...COLUMNS.map(({ isNumber, cell }) =>
        element('td', isNumber === true ? { class: 'number' } : {}, cell(run)),
      ),
    );
  }
}

function stateCell({ state, stoppedBy }: ListedRun): Node {
  return element('span', { class: `state ${state}` }, stateText(state, stoppedBy));
}

function epochCell({ epochsCompleted, epochs, state }: ListedRun): Node | string {
  const text = `${epochsCompleted}/${epochs ?? '?'}`;
  if (epochs === null || state !== 'running') return text;
  const bar = element('progress', { 'aria-label': `epoch ${text}` });
  bar.max = epochs;
  bar.value = epochsCompleted;
  return element('span', {}, text, bar);
}

function compare(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
