/** The HTTP proxy that the environment names for a connection: HTTPS_PROXY or ALL_PROXY, unless NO_PROXY lists the host. */

import { getProxyForUrl } from 'proxy-from-env';
import { isLoopback } from '../../coordinator/index.js';
import { LockstepError } from '../../foundation/errors.js';

/**
 * For https and wss alone, which the proxy cannot read: ws is for this machine and for networks that one trusts.
 * @throws LockstepError E_OPTION for a variable that holds no proxy
 */
export function proxyFor(url: URL): URL | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'wss:') return undefined;
  if (isLoopback(url.hostname)) return undefined;
  const found = getProxyForUrl(url.href.replace(/^wss:/, 'https:'));
  if (found === '') return undefined;
  // Without a scheme, as `proxy.example:3128`, it comes with that of the target; what is meant is a plain proxy.
  const text = isWrittenSo(found) ? found : found.replace(/^https:/, 'http:');
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy;
  throw new LockstepError(
    'E_OPTION',
    'HTTPS_PROXY (or ALL_PROXY) must be the URL of an HTTP proxy, such as http://proxy.example:3128; correct or unset it',
  );
}

function isWrittenSo(found: string): boolean {
  return ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].some((name) => process.env[name] === found);
}
