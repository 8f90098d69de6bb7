/** `npm run docs`: writes what of docs/ follows from the code. */

import { writeFileSync } from 'node:fs';
import { buildProgram } from '../dist/cli/main.js';
import { cliReference } from '../dist/cli/reference.js';

writeFileSync(new URL('../docs/cli.md', import.meta.url), cliReference(buildProgram()));
