/** A self-signed certificate, made by openssl. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * @param names besides 127.0.0.1
 * @returns undefined where openssl is missing
 */
export function selfSignedCertificate(
  names: readonly string[] = [],
  commonName = 'lockstep test',
): Certificate | undefined {
  const alternatives = ['IP:127.0.0.1', ...names.map((name) => `DNS:${name}`)].join(',');
  const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-tls-'));
  try {
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const { status } = spawnSync('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=${alternatives}`],
      ...['-keyout', key, '-out', cert],
    ]);
    if (status !== 0) return undefined;
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
