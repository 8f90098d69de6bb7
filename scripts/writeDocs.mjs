/** `npm run docs`: writes what of docs/ follows from the code. */

import { writeFileSync } from 'node:fs';
import { buildProgram } from '../dist/cli/main.js';
import { recipesReference } from '../dist/cli/recipesReference.js';
import { cliReference } from '../dist/cli/reference.js';
import { libraryOptionsReference } from '../dist/library/optionsReference.js';

for (const [file, content] of [
  ['cli.md', cliReference(buildProgram())],
  ['recipes.md', recipesReference()],
  ['library-options.md', libraryOptionsReference()],
]) {
  writeFileSync(new URL(`../docs/${file}`, import.meta.url), content);
}
