/** The Worker of the page that pageServer.ts serves: fetches the jobs, and sends one answer after another. */

import { compute } from './compute.js';
import type { Job } from './job.js';

async function post(path: string, body: string): Promise<void> {
  await fetch(path, { method: 'POST', body });
}

try {
  const jobs = (await (await fetch('/join/jobs')).json()) as readonly Job[];
  for (const job of jobs) await post('/answer', JSON.stringify(await compute(job)));
  await post('/done', '');
} catch (error) {
  await post('/failed', String(error));
}
