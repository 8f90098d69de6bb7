/** A real Firefox for tests of pages; `eval "$(bash scripts/setup-firefox.sh)"` finds or installs one. */

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { startProgram, temporaryFolder } from './lockstep.js';

const USUAL = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];

const program = process.env['LOCKSTEP_FIREFOX'] ?? USUAL.find((file) => existsSync(file));

/** Why tests in Firefox cannot run here; undefined if they can. */
export const NO_FIREFOX =
  program === undefined
    ? 'no Firefox was found; run eval "$(bash scripts/setup-firefox.sh)", or set LOCKSTEP_FIREFOX'
    : undefined;

/** It shows the page at once, and asks nobody but this machine: all else goes to a proxy that is not there. */
const SETTINGS = {
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.allow_hijacking_localhost': false,
};

/** Opens the page in a Firefox without a window, which ends with the test. Nothing drives it: the page must report by itself. */
export async function openInFirefox(url: string): Promise<void> {
  const profile = temporaryFolder();
  const lines = Object.entries(SETTINGS).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  await writeFile(path.join(profile, 'user.js'), lines.join(''));
  const firefox = startProgram(program!, ['--headless', '--no-remote', '--profile', profile, url]);
  onTestFinished(async () => {
    firefox.kill('SIGTERM');
    await firefox.finished;
  });
}
