/**
 * `node scripts/bundlePage.mjs ROOT FOLDER`: bundles the pages of src/web into FOLDER/web: the live page with its chart
 * library, and in join/ the page by which a browser tab computes. They load nothing from elsewhere. Part of `npm run build`.
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { rolldown } from 'rolldown';

/**
 * @param {string} root the checkout
 * @param {string} folder gets web/
 */
async function bundlePages(root, folder) {
  const live = path.join(root, 'src', 'web', 'live');
  const target = path.join(folder, 'web');
  mkdirSync(target, { recursive: true });
  await bundle(root, path.join(live, 'page.ts'), path.join(target, 'page.js'));
  const charts = createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css');
  writeStyles(root, [charts], live, target);
  copyFileSync(path.join(live, 'index.html'), path.join(target, 'index.html'));
  await bundleJoin(root, path.join(root, 'src', 'web', 'join'), path.join(target, 'join'));
}

async function bundleJoin(root, source, target) {
  if (!existsSync(source)) return; // a checkout without it, as in tests of the build
  mkdirSync(target, { recursive: true });
  for (const name of ['page', 'compute', 'gpu']) {
    await bundle(root, path.join(source, `${name}.ts`), path.join(target, `${name}.js`));
  }
  writeStyles(root, [], source, target);
  copyFileSync(path.join(source, 'index.html'), path.join(target, 'index.html'));
}

/** A page's styles in one file: those of packages, what all pages share, and its own. */
function writeStyles(root, packages, source, target) {
  const common = path.join(root, 'src', 'web', 'common.css');
  const files = [...packages, common, path.join(source, 'page.css')];
  writeFileSync(path.join(target, 'page.css'), files.map((file) => readFileSync(file, 'utf8')).join('\n'));
}

/** What may be in a page. All else is Node's, and an error where a page would load it. */
const PACKAGES = new Set(['uplot', 'qr', 'msgpackr', 'zod']);

async function bundle(root, input, file) {
  const made = await rolldown({
    input,
    platform: 'browser',
    plugins: [versionOf(root)],
    // Most files are modules of Node's process, too: what a page does not use of them must not be there.
    treeshake: { moduleSideEffects: false },
    external: (name) => !/^[./]|^\w:/.test(name) && !PACKAGES.has(name),
  });
  const { output } = await made.write({ file, format: 'esm', minify: true, sourcemap: false });
  await made.close();
  const foreign = output.flatMap(({ imports = [], dynamicImports = [] }) => [...imports, ...dynamicImports]);
  if (foreign.length > 0) throw new Error(`${input} needs what a browser has not: ${foreign.join(', ')}`);
}

/** Node reads the version from package.json; a page carries the one that it was built with. */
const versionOf = (root) => ({
  name: 'lockstep-version',
  load(id) {
    if (path.relative(root, id) !== path.join('src', 'protocol', 'version.ts')) return null;
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    return `export const LOCKSTEP_VERSION = ${JSON.stringify(version)};`;
  },
});

const [root, folder] = process.argv.slice(2);
await bundlePages(path.resolve(root), folder);
