/** Where a Chromium is; `eval "$(bash scripts/setup-chromium.sh)"` finds or installs one. */

import { existsSync } from 'node:fs';

const USUAL = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Undefined where there is none. */
export const CHROMIUM = process.env['LOCKSTEP_CHROMIUM'] ?? USUAL.find((file) => existsSync(file));
