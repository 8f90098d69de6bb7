/** The coordinator's own process, for Prometheus. */

import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

const MICROSECONDS_PER_SECOND = 1e6;

export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'lockstep_process_resident_memory_bytes',
    help: 'Memory of this process that is in use (resident set).',
    registers,
    collect(): void {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'lockstep_process_start_time_seconds',
    help: 'When this process began, since 1970.',
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  new Counter({
    name: 'lockstep_process_cpu_seconds_total',
    help: 'Processor time of this process, its worker threads included.',
    registers,
    collect(): void {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / MICROSECONDS_PER_SECOND);
    },
  });
}
