/** From a checkout `lockstep` is no command: messages name the program as it was called (foundation/commandLine.ts). */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));
const COMMANDS = buildProgram().commands.map((command) => command.name());
const NAMED = new RegExp(`\\blockstep (${COMMANDS.join('|')})\\b`);
/** The answer to an HTTP client, which may be on another machine. */
const ALLOWED = '\'This is a Lockstep coordinator: use "lockstep worker".\\n\'';

it('no message calls the program by a name of its own', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) =>
    readFileSync(path.join(SOURCE, file), 'utf8')
      .split('\n')
      .filter((line) => NAMED.test(line.replace(/^\s*(\/?\*|\/\/).*|\/\*\*.*\*\/|\/\/ .*$/, '')))
      .filter((line) => !line.includes(ALLOWED))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
});
