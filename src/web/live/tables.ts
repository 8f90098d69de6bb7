/** Tables of plain rows, and bars within them. */

import { element } from './dom.js';

/** The first cell of each row names it. Without titles there is no head. */
export function table(titles: readonly string[], rows: readonly (readonly (string | Node)[])[]): HTMLElement {
  const head = element(
    'thead',
    {},
    element('tr', {}, ...titles.map((title) => element('th', { scope: 'col' }, title))),
  );
  const body = element(
    'tbody',
    {},
    ...rows.map(([first, ...cells]) =>
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, first ?? ''),
        ...cells.map((cell) => element('td', isLong(cell) ? { class: 'wrap' } : {}, cell)),
      ),
    ),
  );
  const made = element('div', { class: 'scroll' });
  made.tabIndex = 0; // so that the keyboard can scroll it
  made.append(element('table', {}, ...(titles.length > 0 ? [head] : []), body));
  return made;
}

const LONG = 24;

function isLong(cell: string | Node): boolean {
  return typeof cell === 'string' && cell.length > LONG;
}

export function shareBar(share: number, text: string): HTMLElement {
  const fill = element('span', { class: 'fill' });
  fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  return element('span', { class: 'share' }, element('span', { class: 'track' }, fill), text);
}
