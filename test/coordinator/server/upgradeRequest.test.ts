/** Which tabs and which processes the door lets in: over real sockets, with the headers that browsers and others send. */

import { hostname } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { WebSocket as Client } from 'ws';
import { ServedHosts } from '../../../src/coordinator/server/servedHosts.js';
import type { ListenOptions } from '../../../src/coordinator/server/server.js';
import { ENDPOINT_PATH } from '../../../src/protocol/index.js';
import { selfSignedCertificate } from '../../support/certificate.js';
import { openDoor, outcomeOf } from '../../support/door.js';
import type { Door } from '../../support/door.js';

const [TOKEN, JOIN] = ['s3cret', 'for-workers-alone'];
const certificate = selfSignedCertificate(['trainer.example', '*.lab.example'], 'common.example');
const hosts = (change: Partial<ConstructorParameters<typeof ServedHosts>[0]> = {}): ServedHosts =>
  new ServedHosts({ names: ['trainer.example'], cert: undefined, onlyLoopback: false, ...change });

interface Asked {
  /** `PORT` stands for the port that the door has. */
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  readonly site?: string;
  readonly bearer?: string;
  readonly protocols?: readonly string[];
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const tab = (token?: string): readonly string[] =>
  token === undefined ? ['lockstep'] : ['lockstep', `lockstep-token.${base64url(token)}`];
const SELF = 'http://127.0.0.1:PORT';

function ask(door: Door, { origin, host, site, bearer, protocols = [] }: Asked, ca?: string): WebSocket {
  const here = (text: string): string => text.replace('PORT', String(door.port));
  const socket = new Client(`${door.server.url}${ENDPOINT_PATH}`, [...protocols], {
    ...(ca === undefined ? {} : { ca }),
    headers: {
      ...(origin === undefined ? {} : { origin: here(origin) }),
      ...(host === undefined ? {} : { host: here(host) }),
      ...(site === undefined ? {} : { 'sec-fetch-site': site }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
  });
  onTestFinished(() => socket.terminate());
  return socket;
}

interface Refused {
  readonly door: Door;
  readonly reasons: string[];
}

async function doorWith(change: Partial<ListenOptions>): Promise<Refused> {
  const reasons: string[] = [];
  const door = await openDoor({ ...change, onRefused: (_address, reason) => reasons.push(reason) });
  return { door, reasons };
}

describe('a tab', () => {
  const withSecrets = { token: TOKEN, joinToken: JOIN, tabsAt: hosts() };

  it.each<[string, Asked, string | number]>([
    ['of this server, with the token for workers', { origin: SELF, protocols: tab(JOIN) }, 'open'],
    ['of this server, with the token', { origin: SELF, protocols: tab(TOKEN) }, 'open'],
    ['that calls itself same-origin', { origin: SELF, site: 'same-origin', protocols: tab(JOIN) }, 'open'],
    ['that asks by localhost', byName('localhost:PORT', JOIN), 'open'],
    ['that asks by another address', byName('192.0.2.7:7070', JOIN), 'open'],
    ['that asks by an address of IPv6', byName('[2001:db8::1]:7070', JOIN), 'open'],
    ['that asks by an advertised name', byName('trainer.example', JOIN), 'open'],
    ['that asks by that name in capitals', byName('TRAINER.example', JOIN, 'trainer.example'), 'open'],
    [
      "that asks by this machine's name",
      byName(`${hostname()}:PORT`, JOIN, `${hostname().toLowerCase()}:PORT`),
      'open',
    ],
    ['without a token', { origin: SELF, protocols: tab() }, 401],
    ['with another token', { origin: SELF, protocols: tab('guess') }, 401],
    [
      'with a token that is no base64url',
      { origin: SELF, protocols: ['lockstep', 'lockstep-token.!!'] },
      401,
    ],
    ['with an empty one', { origin: SELF, protocols: ['lockstep', 'lockstep-token.'] }, 401],
    ['of another site', { origin: 'http://evil.example', protocols: tab(JOIN) }, 403],
    ['of another port', { origin: 'http://127.0.0.1:1', protocols: tab(JOIN) }, 403],
    ['of another scheme', { origin: 'https://127.0.0.1:PORT', protocols: tab(JOIN) }, 403],
    [
      'of this machine by another of its names',
      { origin: 'http://localhost:PORT', protocols: tab(JOIN) },
      403,
    ],
    ['of a sandbox', { origin: 'null', protocols: tab(JOIN) }, 403],
    ['of no origin at all', { origin: '', protocols: tab(JOIN) }, 403],
    ['that its browser calls cross-site', { origin: SELF, site: 'cross-site', protocols: tab(JOIN) }, 403],
    ['that its browser calls same-site', { origin: SELF, site: 'same-site', protocols: tab(JOIN) }, 403],
    ['whose name was resolved to this machine', byName('evil.example:PORT', JOIN), 403],
    ['whose name ends as one of ours', byName('x.trainer.example', JOIN), 403],
    ['whose Host is no host', { origin: SELF, host: '127.0.0.1:PORT/x', protocols: tab(JOIN) }, 403],
    ['whose Host has a user in it', { origin: SELF, host: 'x@127.0.0.1:PORT', protocols: tab(JOIN) }, 403],
  ])('%s', async (_what, asked, outcome) => {
    const { door, reasons } = await doorWith(withSecrets);
    expect(await outcomeOf(ask(door, asked))).toBe(outcome);
    expect(reasons).toHaveLength(outcome === 'open' ? 0 : 1);
    expect(JSON.stringify(reasons)).not.toMatch(new RegExp(`${JOIN}|${TOKEN}|guess|${base64url('guess')}`));
    expect(door.channels).toHaveLength(outcome === 'open' ? 1 : 0);
  });

  it('gets its protocol chosen, and never the one that holds the token', async () => {
    const { door } = await doorWith(withSecrets);
    const answers: string[] = [];
    for (const protocols of [tab(JOIN), [...tab(JOIN)].reverse()]) {
      const socket = ask(door, { origin: SELF, protocols });
      socket.on('upgrade', ({ headers }) => answers.push(JSON.stringify(headers)));
      expect(await outcomeOf(socket)).toBe('open');
      expect(socket.protocol).toBe('lockstep');
    }
    expect(answers).toHaveLength(2);
    expect(answers.join('')).not.toContain(base64url(JOIN));
    // A client must not go on where none of its protocols was chosen (RFC 6455 section 4.1): a browser does not.
    const alone = ask(door, { origin: SELF, protocols: [`lockstep-token.${base64url(JOIN)}`] });
    expect(await outcomeOf(alone)).toMatch(/subprotocol/);
  });

  it('counts among the nodes that there may be', async () => {
    const { door, reasons } = await doorWith({ ...withSecrets, maxNodes: 1 });
    expect(await outcomeOf(ask(door, { origin: SELF, protocols: tab(JOIN) }))).toBe('open');
    expect(await outcomeOf(ask(door, { origin: SELF, protocols: tab(JOIN) }))).toBe(503);
    expect(await outcomeOf(ask(door, { bearer: TOKEN }))).toBe(503);
    expect(reasons).toHaveLength(2);
  });

  it('is told apart from a page of another site in what is reported', async () => {
    const { door, reasons } = await doorWith(withSecrets);
    await outcomeOf(ask(door, { origin: 'http://evil.example', protocols: tab(JOIN) }));
    await outcomeOf(ask(door, byName('evil.example', JOIN)));
    await outcomeOf(ask(door, { origin: SELF, protocols: tab('guess') }));
    await outcomeOf(ask(door, { origin: SELF, protocols: tab() }));
    expect(reasons).toEqual([
      'a web page of another site',
      'a web page that knows this server by a name that is not its own',
      'a wrong token',
      'no token',
    ]);
  });

  it('of whatever origin is refused where there is no page for it', async () => {
    const { door } = await doorWith({ token: TOKEN, joinToken: JOIN });
    expect(await outcomeOf(ask(door, { origin: SELF, protocols: tab(JOIN) }))).toBe(403);
  });
});

describe('a tab where no token is asked for', () => {
  it.each<[string, Asked, string | number]>([
    ['attaches from the page of this server', { origin: SELF, protocols: tab() }, 'open'],
    ['attaches by localhost', byName('localhost:PORT'), 'open'],
    ['does not attach from another site', { origin: 'http://evil.example', protocols: tab() }, 403],
    ['does not attach from another port', { origin: 'http://127.0.0.1:1', protocols: tab() }, 403],
    ['does not attach by a name that was resolved to this machine', byName('evil.example:PORT'), 403],
    ['does not attach by an advertised name', byName('trainer.example'), 403],
    ['does not attach by an address of another network', byName('192.0.2.7:PORT'), 403],
  ])('%s', async (_what, asked, outcome) => {
    const { door } = await doorWith({ tabsAt: hosts({ onlyLoopback: true }) });
    expect(await outcomeOf(ask(door, asked))).toBe(outcome);
  });
});

describe('a process, which sends no Origin', () => {
  it.each<[string, Asked, string | number]>([
    ['the token', { bearer: TOKEN }, 'open'],
    ['the token for workers', { bearer: JOIN }, 'open'],
    ['the token for workers as a subprotocol', { protocols: tab(JOIN) }, 'open'],
    [
      'a wrong token in the header, whatever the subprotocol says',
      { bearer: 'x', protocols: tab(JOIN) },
      401,
    ],
    ['a mixture of both', { bearer: `${TOKEN}${JOIN}` }, 401],
    ['nothing', {}, 401],
  ])('may show %s', async (_what, asked, outcome) => {
    const { door } = await doorWith({ token: TOKEN, joinToken: JOIN });
    expect(await outcomeOf(ask(door, asked))).toBe(outcome);
  });
});

describe.skipIf(certificate === undefined)('with TLS (skipped where openssl is missing)', () => {
  it('the origin is one of https, and the names of the certificate are our own', async () => {
    const tabsAt = hosts({ names: [], cert: certificate!.cert });
    const { door } = await doorWith({ token: TOKEN, joinToken: JOIN, tls: certificate, tabsAt });
    const outcome = (asked: Asked): Promise<string | number> =>
      outcomeOf(ask(door, asked, certificate!.cert));
    expect(await outcome({ origin: SELF.replace('http', 'https'), protocols: tab(JOIN) })).toBe('open');
    expect(await outcome({ origin: SELF, protocols: tab(JOIN) })).toBe(403);
    const byTls = (name: string): Asked => ({ ...byName(name, JOIN), origin: `https://${name}` });
    for (const name of ['trainer.example:PORT', 'desk.lab.example:PORT', 'trainer.example']) {
      expect(await outcome(byTls(name)), name).toBe('open');
    }
    // A certificate with names of machines is made out to these, and not to its common name (RFC 6125 section 6.4.4).
    const others = [
      'common.example',
      'evil.example',
      'x.trainer.example',
      'lab.example',
      'a.desk.lab.example',
    ];
    for (const name of others) expect(await outcome(byTls(`${name}:PORT`)), name).toBe(403);
  });
});

/** As a browser that was sent to this name: the Host and the Origin agree. */
function byName(host: string, token?: string, inOrigin = host): Asked {
  return { host, origin: `http://${inOrigin}`, protocols: tab(token) };
}
