/** Where CIFAR-10 lies if no option says so. */

/** LOCKSTEP_DATA_DIR; a variable that is empty is not set. */
export function dataDirOfEnvironment(): string | undefined {
  const dataDir = process.env['LOCKSTEP_DATA_DIR'];
  return dataDir === '' ? undefined : dataDir;
}

export function defaultDataDir(): string {
  return dataDirOfEnvironment() ?? 'data';
}
