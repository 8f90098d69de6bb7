/** Who computes: a row for each node that is attached, and below them those that left or were refused. */

import type { LiveNode, LiveView } from '../../../watch/live/api.js';
import { clockText } from '../../../watch/folders/wording.js';
import { element } from '../dom.js';
import { bytes, count as number, DASH, duration, whole } from '../format.js';
import { COLOURS } from '../selection.js';

interface Column {
  readonly title: string;
  /** What the title means, where it is short. */
  readonly help?: string;
  readonly isNumber?: boolean;
  readonly cell: (node: LiveNode) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'Workers', isNumber: true, cell: ({ threads }) => number(threads) },
  { title: 'Images/s', isNumber: true, cell: ({ imagesPerSecond }) => whole(imagesPerSecond) },
  {
    title: 'Items',
    help: 'micro-batches and chunks of evaluations: answered of given',
    isNumber: true,
    cell: ({ itemsAnswered, itemsGiven }) => `${number(itemsAnswered)} of ${number(itemsGiven)}`,
  },
  {
    title: 'Late',
    help: 'items that another node was given as well, because this one was late',
    isNumber: true,
    cell: ({ itemsLate }) => number(itemsLate),
  },
  {
    title: 'Repeated',
    help: 'copies of items that another node had, too',
    isNumber: true,
    cell: ({ itemsRepeated }) => number(itemsRepeated),
  },
  { title: 'Failed', isNumber: true, cell: ({ itemsFailed }) => number(itemsFailed) },
  {
    title: 'Heard',
    help: 'since it was last heard of',
    isNumber: true,
    cell: ({ silentSeconds }) => (silentSeconds === null ? DASH : `${silentSeconds.toFixed(1)} s ago`),
  },
  { title: 'Received', isNumber: true, cell: ({ bytesReceived }) => bytes(bytesReceived) },
  { title: 'Sent', isNumber: true, cell: ({ bytesSent }) => bytes(bytesSent) },
  {
    title: 'Round trip',
    isNumber: true,
    cell: ({ roundTripMs }) =>
      roundTripMs === null ? DASH : `${roundTripMs.toFixed(roundTripMs < 10 ? 1 : 0)} ms`,
  },
  { title: 'Attached', isNumber: true, cell: ({ attachedSeconds }) => duration(attachedSeconds) },
  { title: 'Address', cell: ({ host, isLocal }) => (isLocal ? 'this process' : host) },
  { title: 'Engine', cell: ({ engine, numericsClass }) => `${engine} · ${numericsClass}` },
  { title: 'Device', cell: ({ device }) => device },
];

/** The colour of the node at this place, in the table and in the step's picture. */
export function colourOf(place: number): string {
  return COLOURS[place % COLOURS.length]!;
}

export function nodesTable({ nodes }: LiveView): Node {
  if (nodes.length === 0) return element('p', { class: 'empty' }, 'No worker is attached.');
  const head = element(
    'tr',
    {},
    element('th', { scope: 'col' }, 'Node'),
    ...COLUMNS.map(({ title, help, isNumber }) =>
      element(
        'th',
        { scope: 'col', ...(help === undefined ? {} : { title: help }), ...numberClass(isNumber) },
        title,
      ),
    ),
  );
  const rows = nodes.map((node, place) => {
    const key = element('span', { class: 'key' });
    key.style.background = colourOf(place);
    const name = node.isDraining ? `${node.name} (leaving)` : node.name;
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, key, name),
      ...COLUMNS.map(({ cell, isNumber }) => element('td', numberClass(isNumber), cell(node))),
    );
  });
  return element(
    'table',
    {},
    element('caption', { class: 'unseen' }, 'Attached nodes'),
    element('thead', {}, head),
    element('tbody', {}, ...rows),
  );
}

/** Who left and who was refused, the latest first; empty if nobody. */
export function departures({ gone, refusals }: LiveView): readonly Node[] {
  const at = (atMs: number): string => `at ${clockText(new Date(atMs).toISOString())} UTC`;
  return [
    ...list(
      'Left',
      gone.map(({ name, reason, atMs }) => [name, reason, at(atMs)]),
    ),
    ...list(
      'Refused',
      refusals.map(({ address, reason, count, atMs }) => [
        address,
        count > 1 ? `${reason} (${number(count)} times)` : reason,
        at(atMs),
      ]),
    ),
  ];
}

function list(title: string, rows: readonly (readonly [string, string, string])[]): readonly Node[] {
  if (rows.length === 0) return [];
  const lines = rows.map(([who, why, when]) =>
    element('li', {}, element('strong', {}, who), `: ${why} `, element('span', { class: 'soft' }, when)),
  );
  return [element('div', {}, element('h3', {}, title), element('ul', { class: 'departures' }, ...lines))];
}

function numberClass(isNumber: boolean | undefined): { readonly class?: string } {
  return isNumber === true ? { class: 'number' } : {};
}
