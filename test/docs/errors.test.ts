import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

it('docs/errors.md explains every error code, and no other', () => {
  const inCode = [...read('src/foundation/errors.ts').matchAll(/^ {2}\| '(E_[A-Z_]+)'/gm)].map(
    ([, code]) => code,
  );
  const explained = [...read('docs/errors.md').matchAll(/^## (E_[A-Z_]+)$/gm)].map(([, code]) => code);
  expect(inCode.length).toBeGreaterThan(10);
  expect([...explained].sort()).toEqual([...inCode].sort());
});

it('docs/errors.md gives each code its meaning, cause, remedy and exit status', () => {
  const sections = read('docs/errors.md').split(/^## /m).slice(1);
  for (const section of sections.filter((text) => text.startsWith('E_'))) {
    for (const part of ['**Meaning.**', '**Cause.**', '**Remedy.**', '**Exit status.**']) {
      expect(section, section.split('\n')[0]).toContain(part);
    }
  }
});

it('docs/protocol.md describes every message', () => {
  const messages = [...read('src/protocol/messages.ts').matchAll(/type: z\.literal\('([a-z-]+)'\)/g)];
  expect(messages.length).toBeGreaterThan(8);
  const document = read('docs/protocol.md');
  for (const [, name] of messages) expect(document).toContain(`| \`${name}\` |`);
});
