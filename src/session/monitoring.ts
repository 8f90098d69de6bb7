/** What probes and Prometheus may ask a run for, on whatever port it has. */

import { mergeRoutes } from '../coordinator/index.js';
import type { Fleet, Routes } from '../coordinator/index.js';
import { loadMonitoring } from '../watch/index.js';
import type { MonitoringOptions, PageOptions } from '../watch/index.js';

/** @param pages of the same server, if it has any */
export async function withMonitoring(
  pages: Routes | undefined,
  fleet: Fleet,
  { subscribe }: Pick<MonitoringOptions, 'subscribe'>,
  { control, view }: PageOptions['secrets'],
): Promise<Routes> {
  const { monitoringRoutes } = await loadMonitoring();
  const routes = monitoringRoutes({
    view: () => fleet.view(),
    secrets: [control, view].filter((secret) => secret !== undefined),
    subscribe,
    onRefused: (address, reason) => fleet.connectionRefused(address, reason),
  });
  return mergeRoutes(pages ?? new Map(), routes);
}
