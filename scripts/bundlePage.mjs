/** Bundles the live page (src/web/live) with its chart library into dist/web: three files, nothing from elsewhere. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} root the checkout */
export async function bundlePage(root = ROOT) {
  const source = path.join(root, 'src', 'web', 'live');
  const target = path.join(root, 'dist', 'web');
  mkdirSync(target, { recursive: true });
  const bundle = await rolldown({ input: path.join(source, 'page.ts'), platform: 'browser' });
  await bundle.write({ file: path.join(target, 'page.js'), format: 'esm', minify: true, sourcemap: false });
  await bundle.close();
  const charts = createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css');
  const styles = [charts, path.join(source, 'page.css')].map((file) => readFileSync(file, 'utf8'));
  writeFileSync(path.join(target, 'page.css'), styles.join('\n'));
  copyFileSync(path.join(source, 'index.html'), path.join(target, 'index.html'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundlePage();
