/** `train --ui`: the live page of a run that listens to no nodes. */

import type { Command } from 'commander';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { serveLivePage } from '../../session/index.js';
import type { PreparedDoor } from '../../session/index.js';
import { refuseUnusablePage } from '../../watch/index.js';
import type { PageAddress, PageOptions } from '../../watch/index.js';
import { ownPageAddress, refuseTokenWithoutPage, resolveUiToken } from '../options/uiOptions.js';
import { resolveToken } from '../token/token.js';

export interface OwnPage {
  readonly address: PageAddress;
  readonly secrets: PageOptions['secrets'];
}

/** Undefined: no page is asked for. The token of workers, if there is one, is what controls the run here, too. */
export function ownPageOf(command: Command): OwnPage | undefined {
  const address = ownPageAddress(command);
  if (!address) {
    refuseTokenWithoutPage(command);
    return undefined;
  }
  const secrets = { control: resolveToken({}), view: resolveUiToken(command) };
  return { address: { ...address, option: 'ui' }, secrets };
}

/** For the command that continues the run. */
export function argumentsFor(page: OwnPage | undefined): CommandOptions {
  if (!page) return {};
  const { host, port } = page.address;
  return { ui: `${host.includes(':') ? `[${host}]` : host}:${port}` };
}

/** Serves the page of the run besides what else lets nodes in. @throws LockstepError E_LISTEN */
export async function withPage(
  prepared: PreparedDoor | undefined,
  { address, secrets }: OwnPage,
): Promise<PreparedDoor> {
  await refuseUnusablePage(address, secrets);
  return {
    engine: prepared?.engine,
    open: async (...run) => {
      const door = await prepared?.open(...run);
      const [fleet, , reports] = run;
      try {
        const page = await serveLivePage(fleet, reports, { address, secrets });
        return { close: () => Promise.all([page.close(), door?.close()]).then(() => undefined) };
      } catch (error) {
        await door?.close();
        throw error;
      }
    },
  };
}
