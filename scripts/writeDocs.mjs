/** `npm run docs`: writes what of docs/ follows from the code. */

import { readFileSync, writeFileSync } from 'node:fs';
import { withConfigKeys } from '../dist/cli/configKeys.js';
import { buildProgram } from '../dist/cli/main.js';
import { recipesReference } from '../dist/cli/recipesReference.js';
import { cliReference } from '../dist/cli/reference.js';
import { libraryOptionsReference } from '../dist/library/optionsReference.js';
import { networkFileSchema } from '../dist/model/index.js';

const inDocs = (file) => new URL(`../docs/${file}`, import.meta.url);

for (const [file, content] of [
  ['cli.md', cliReference(buildProgram())],
  ['recipes.md', recipesReference()],
  ['network.schema.json', `${JSON.stringify(networkFileSchema(), null, 2)}\n`],
  ['run-folder.md', withConfigKeys(readFileSync(inDocs('run-folder.md'), 'utf8'))],
  ['library-options.md', libraryOptionsReference()],
]) {
  writeFileSync(inDocs(file), content);
}
