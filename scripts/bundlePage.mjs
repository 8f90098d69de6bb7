/**
 * `node scripts/bundlePage.mjs ROOT FOLDER`: bundles the live page (src/web/live) with its chart library into FOLDER/web:
 * three files that load nothing from elsewhere. Part of `npm run build`.
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { rolldown } from 'rolldown';

/**
 * @param {string} root the checkout
 * @param {string} folder gets web/
 */
async function bundlePage(root, folder) {
  const source = path.join(root, 'src', 'web', 'live');
  const target = path.join(folder, 'web');
  mkdirSync(target, { recursive: true });
  const bundle = await rolldown({ input: path.join(source, 'page.ts'), platform: 'browser' });
  await bundle.write({ file: path.join(target, 'page.js'), format: 'esm', minify: true, sourcemap: false });
  await bundle.close();
  const charts = createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css');
  const styles = [charts, path.join(source, 'page.css')].map((file) => readFileSync(file, 'utf8'));
  writeFileSync(path.join(target, 'page.css'), styles.join('\n'));
  copyFileSync(path.join(source, 'index.html'), path.join(target, 'index.html'));
}

const [root, folder] = process.argv.slice(2);
await bundlePage(root, folder);
