/** A private certificate authority for a test, with valid certificates and invalid ones of every kind, made by openssl. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Certificate } from './certificate.js';

export interface CertificateRequest {
  /** As openssl writes it: `IP:127.0.0.1`, `DNS:trainer.example`. */
  readonly subjectAltName: string;
  /** As openssl writes it: YYYYMMDDHHMMSSZ. */
  readonly notBefore?: string;
  readonly notAfter?: string;
}

const CONFIG = `
[ca]
default_ca = authority
[authority]
dir = .
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = anything
unique_subject = no
copy_extensions = copy
[anything]
commonName = supplied
`;

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export class CertificateAuthority {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'lockstep-ca-'));
  /** Its own certificate (PEM); what `--ca` takes. */
  readonly cert: string;

  /** @throws Error where openssl is missing */
  constructor(name: string) {
    writeFileSync(path.join(this.folder, 'ca.cnf'), CONFIG);
    writeFileSync(path.join(this.folder, 'index.txt'), '');
    writeFileSync(path.join(this.folder, 'serial'), '01\n');
    const subject = ['-subj', `/CN=${name}`, '-days', '3650'];
    this.openssl('req', '-x509', ...NEW_KEY, ...subject, '-keyout', 'ca.key', '-out', 'ca.pem');
    this.cert = this.read('ca.pem');
  }

  issue({ subjectAltName, notBefore, notAfter }: CertificateRequest): Certificate {
    const subject = ['-subj', '/CN=coordinator', '-addext', `subjectAltName=${subjectAltName}`];
    this.openssl('req', '-new', ...NEW_KEY, ...subject, '-keyout', 'server.key', '-out', 'server.csr');
    const from = notBefore === undefined ? [] : ['-startdate', notBefore];
    const until = notAfter === undefined ? ['-days', '2'] : ['-enddate', notAfter];
    const keys = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-in', 'server.csr', '-out', 'server.pem'];
    this.openssl('ca', '-batch', '-config', 'ca.cnf', ...keys, ...from, ...until);
    return { cert: this.read('server.pem'), key: this.read('server.key') };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private read(file: string): string {
    return readFileSync(path.join(this.folder, file), 'utf8');
  }

  private openssl(...args: string[]): void {
    const { status, stderr, error } = spawnSync('openssl', args, { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${error?.message ?? stderr}`);
  }
}

export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}
