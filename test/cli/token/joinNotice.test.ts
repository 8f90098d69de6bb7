import decodeQR from 'qr/decode.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { announceJoin, qrText } from '../../../src/cli/token/joinNotice.js';
import { printableLines } from '../../../src/foundation/printable.js';

const LINK = 'http://192.0.2.7:7070/join#token=AbCdEfGhIjKlMnOpQrStUvWxYz_-0123';
const join = { page: 'http://192.0.2.7:7070/join', link: LINK };

/** What a camera sees of a dark terminal: the lit halves of the characters. */
function scanned(drawn: string): string {
  const scale = 4;
  const halves = drawn.split('\n').flatMap((line) => {
    const characters = Array.from(line);
    return ['█▀', '█▄'].map((lit) => characters.map((character) => lit.includes(character)));
  });
  const [width, height] = [halves[0]!.length * scale, halves.length * scale];
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const light = halves[Math.floor(y / scale)]![Math.floor(x / scale)]! ? 255 : 0;
      data.fill(light, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  return decodeQR({ width, height, data });
}

describe('the QR code in a terminal', () => {
  it.each([LINK, join.page, `${LINK}${'x'.repeat(100)}`])('says %s to a scanner', (text) => {
    const drawn = qrText(text);
    expect(scanned(drawn)).toBe(text);
    expect(printableLines(drawn)).toBe(drawn); // nothing of it is lost on the way to the terminal
  });

  it('of a usual link fits a terminal of 24 lines and 80 columns', () => {
    const lines = qrText(LINK).split('\n');
    expect(lines.length).toBeLessThan(24);
    expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThan(80);
  });
});

describe('the link', () => {
  const { isTTY } = process.stdout;
  const errorIsTTY = process.stderr.isTTY;
  afterEach(() => {
    Object.assign(process.stdout, { isTTY });
    Object.assign(process.stderr, { isTTY: errorIsTTY });
    vi.restoreAllMocks();
  });

  function told(
    terminal: { readonly out: boolean; readonly err: boolean },
    change: Partial<Parameters<typeof announceJoin>[0]> = {},
  ): { readonly said: string; readonly onError: string } {
    Object.assign(process.stdout, { isTTY: terminal.out });
    Object.assign(process.stderr, { isTTY: terminal.err });
    const [said, onError]: [string[], string[]] = [[], []];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => onError.push(String(text)) > 0);
    const say = (message: string): void => void said.push(message);
    announceJoin({ join, qr: false, hasLivePage: true, json: false, say, ...change });
    return { said: said.join('\n'), onError: onError.join('') };
  }

  it('is shown on a terminal alone', () => {
    expect(told({ out: true, err: true })).toEqual({ said: `join from a browser: ${LINK}`, onError: '' });
    expect(told({ out: false, err: true }).onError).toBe(`join from a browser: ${LINK}\n`);
    expect(told({ out: true, err: true }, { json: true }).said).toBe('');
    for (const json of [false, true]) {
      for (const qr of [false, true]) {
        const { said, onError } = told({ out: false, err: false }, { json, qr });
        expect(said + onError).toContain(`${join.page}#token=…`);
        expect(said + onError).not.toContain('AbCdEf');
        expect(said === '').toBe(json);
      }
    }
  });

  it('is drawn, too, if asked for', () => {
    const { said } = told({ out: true, err: true }, { qr: true });
    expect(scanned(said.slice(said.indexOf('\n') + 1))).toBe(LINK);
  });

  it('without a secret is shown everywhere', () => {
    const open = { page: join.page, link: join.page };
    expect(told({ out: false, err: false }, { join: open }).said).toBe(`join from a browser: ${join.page}`);
  });
});
