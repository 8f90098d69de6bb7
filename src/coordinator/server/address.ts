/** Network addresses as people write them: which of them only this machine reaches, and which no other one could call. */

import { isIP, isIPv6 } from 'node:net';

/** Whether only processes of this machine can connect to it. */
export function isLoopback(host: string): boolean {
  const address = canonical(host);
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** Whether it stands for all addresses of this machine, so that no other machine could call it. */
export function isUnspecified(host: string): boolean {
  const address = canonical(host);
  return address === '0.0.0.0' || address === '::';
}

/** Whether it holds on one network interface only: no URL can say that. */
export function hasZone(host: string): boolean {
  return isIPv6(withoutBrackets(host)) && host.includes('%');
}

/** One spelling of an IPv6 address, without its zone; IPv4 where it stands for that; names in lower case. */
function canonical(host: string): string {
  const bare = withoutBrackets(host);
  if (!isIPv6(bare)) return bare.toLowerCase();
  const address = withoutBrackets(new URL(`http://[${bare.replace(/%.*$/, '')}]`).hostname);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!mapped) return address;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
