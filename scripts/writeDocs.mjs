/** `npm run docs`: writes what of docs/ follows from the code. */

import { writeFileSync } from 'node:fs';
import { buildProgram } from '../dist/cli/main.js';
import { recipesReference } from '../dist/cli/recipesReference.js';
import { cliReference } from '../dist/cli/reference.js';
import { networkFileSchema } from '../dist/model/index.js';

for (const [file, content] of [
  ['cli.md', cliReference(buildProgram())],
  ['recipes.md', recipesReference()],
  ['network.schema.json', `${JSON.stringify(networkFileSchema(), null, 2)}\n`],
]) {
  writeFileSync(new URL(`../docs/${file}`, import.meta.url), content);
}
