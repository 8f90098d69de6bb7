/** Network addresses as people write them: which ones only this machine can reach, and which ones no machine can call. */

import { isIP, isIPv6 } from 'node:net';

/** Whether only processes of this machine can connect to the address. */
export function isLoopback(host: string): boolean {
  const address = canonical(host);
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** Whether the address means all addresses of this machine, so that it cannot be called. */
export function isUnspecified(host: string): boolean {
  const address = canonical(host);
  return address === '0.0.0.0' || address === '::';
}

/** Whether the address is valid on one network interface only. A URL cannot express that. */
export function hasZone(host: string): boolean {
  return isIPv6(withoutBrackets(host)) && host.includes('%');
}

/** The canonical spelling: IPv6 without a zone, IPv4 if the address maps to it, names in lower case. */
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
