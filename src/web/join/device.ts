/** What the browser tells of the machine: for the names that others see, and for the default number of threads. */

/** The newer interface, which Chromium has; see https://wicg.github.io/ua-client-hints/. */
interface ClientHints {
  readonly brands: readonly { readonly brand: string; readonly version: string }[];
  readonly platform: string;
}

/** `Chromium 156 on Linux` */
export function browserName(): string {
  const hints = (navigator as { readonly userAgentData?: ClientHints }).userAgentData;
  if (hints !== undefined) {
    const brands = hints.brands.filter(({ brand }) => !/not.?a.?brand/i.test(brand));
    const named = brands.find(({ brand }) => brand !== 'Chromium') ?? brands[0];
    if (named) return `${named.brand} ${named.version} on ${hints.platform}`;
  }
  return nameFrom(navigator.userAgent);
}

/** @param userAgent of a browser without the newer interface */
function nameFrom(userAgent: string): string {
  const system = /iPhone|iPad|Android|Windows|Mac OS X|CrOS|Linux/.exec(userAgent)?.[0] ?? 'another system';
  const [, name, version] = /(Firefox|FxiOS|CriOS|Edg|Chrome)\/(\d+)/.exec(userAgent) ?? [];
  if (name !== undefined) return `${name} ${version} on ${system}`;
  const safari = /Version\/(\d+).*Safari/.exec(userAgent)?.[1];
  return safari === undefined ? `a browser on ${system}` : `Safari ${safari} on ${system}`;
}

/** One core is left to whoever uses the machine. */
export function usualThreads(): number {
  return Math.max(1, mostThreads() - 1);
}

export function mostThreads(): number {
  return Math.max(1, navigator.hardwareConcurrency || 1);
}
