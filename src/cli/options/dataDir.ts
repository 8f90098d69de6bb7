/** Where CIFAR-10 is if no option says so. */

/** LOCKSTEP_DATA_DIR, unless it is empty. */
export function defaultDataDir(): string {
  const dataDir = process.env['LOCKSTEP_DATA_DIR'];
  return dataDir === undefined || dataDir === '' ? 'data' : dataDir;
}
