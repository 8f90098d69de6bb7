/** docs/run-folder.md lists what metrics.jsonl and result.json hold. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

const document = read('docs/run-folder.md');

function section(heading: string): string {
  return document.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
}

it('has a row for each event, and no other', () => {
  const inCode = [...read('src/coordinator/run/events.ts').matchAll(/event: '([a-z-]+)'/g)].map(
    ([, name]) => name!,
  );
  const described = [...section('metrics.jsonl').matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name!);
  expect(inCode.length).toBeGreaterThan(10);
  expect([...described].sort()).toEqual([...new Set(inCode)].sort());
});

it('names every field of the events and of the result', () => {
  const fieldsOf = (file: string): string[] =>
    [...read(file).matchAll(/^\s+readonly (\w+)\??:/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'event');
  const fields = [...fieldsOf('src/coordinator/run/events.ts'), ...fieldsOf('src/coordinator/run/result.ts')];
  expect(fields.length).toBeGreaterThan(50);
  expect([...new Set(fields)].filter((field) => !document.includes(`\`${field}\``))).toEqual([]);
});
