import { expect, it } from 'vitest';
import { tableLines } from '../../../src/cli/display/table.js';

it('aligns by what a terminal shows, and cuts what is far too wide', () => {
  const columns = [
    { title: 'name', text: ({ name }: { name: string }) => name },
    { title: 'size', align: 'right' as const, text: ({ name }: { name: string }) => String(name.length) },
  ];
  const rows = [{ name: '数据' }, { name: 'ab' }, { name: 'c\nd' }, { name: 'x'.repeat(60) }];
  expect(tableLines(columns, rows)).toEqual([
    `name${' '.repeat(46)}size`,
    `数据${' '.repeat(49)}2`,
    `ab${' '.repeat(51)}2`,
    `c\ufffdd${' '.repeat(50)}3`,
    `${'x'.repeat(47)}…${' '.repeat(4)}60`,
  ]);
});

it('has any number of rows', () => {
  const columns = [{ title: 'n', text: (row: number) => String(row) }];
  const rows = Array.from({ length: 200_000 }, (_, row) => row);
  expect(tableLines(columns, rows).at(-1)).toBe('199999');
});
