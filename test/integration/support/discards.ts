/** Chromium's own page for throwing tabs away, as it does by itself when memory is short: chrome://discards. */

import { untilTrue } from './realTabs.js';
import type { RealTab, RealTabs } from './realTabs.js';

/** Pages of Chromium keep their elements in shadow trees. */
const FIND = `
  const elements = (place) =>
    [...place.querySelectorAll('*')].flatMap((found) => [found, ...(found.shadowRoot ? elements(found.shadowRoot) : [])]);
`;

export class Discards {
  private constructor(private readonly page: RealTab) {}

  static async open(tabs: RealTabs): Promise<Discards> {
    const addresses = await tabs.newTab('chrome://chrome-urls/');
    // Such pages are off until they are allowed there.
    await untilTrue('debugging pages are allowed', () =>
      addresses.evaluate<boolean>(`(() => {
        ${FIND}
        const button = elements(document).find(({ tagName }) => tagName.endsWith('BUTTON'));
        button?.click();
        return button !== undefined;
      })()`),
    );
    return new Discards(await tabs.newTab('chrome://discards/'));
  }

  /** @param address a part of the tab's; no debugger may be attached to it */
  async discard(address: string): Promise<void> {
    await this.click(address, '[Urgent Discard]');
    await untilTrue('it is discarded', () => this.has(address, 'discarded'));
  }

  /** As when somebody looks at the tab again. */
  async load(address: string): Promise<void> {
    await this.click(address, '[Load]');
  }

  private async click(address: string, action: string): Promise<void> {
    await untilTrue(`${action} can be chosen`, () =>
      this.inRow<boolean>(
        address,
        `const link = elements(row).find((found) => found.children.length === 0 && found.textContent.trim() === '${action}');
        link?.click();
        return link !== undefined;`,
      ),
    );
  }

  private has(address: string, text: string): Promise<boolean> {
    return this.inRow<boolean>(address, `return row.textContent.includes(${JSON.stringify(text)});`);
  }

  /** @returns false while there is no such row */
  private inRow<Value>(address: string, script: string): Promise<Value | false> {
    return this.page.evaluate<Value | false>(`(() => {
      ${FIND}
      const rows = elements(document).filter(({ tagName }) => tagName === 'TR');
      const row = rows.find(({ textContent }) => textContent.includes(${JSON.stringify(address)}));
      if (!row) return false;
      ${script}
    })()`);
  }
}
