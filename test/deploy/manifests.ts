/** The files of deploy/, read as those read them who use them. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as apps from 'kubernetes-models/apps/v1';
import * as autoscaling from 'kubernetes-models/autoscaling/v2';
import * as batch from 'kubernetes-models/batch/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';

export const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));

export function deployed(...names: readonly string[]): string {
  return readFileSync(path.join(DEPLOY, ...names), 'utf8');
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.toJS() as Manifest;
  });
}

/** By file, relative to deploy/kubernetes/; what only kustomize reads is left out. */
export function kubernetesManifests(): readonly (readonly [string, Manifest])[] {
  const folder = path.join(DEPLOY, 'kubernetes');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && path.basename(file) !== 'kustomization.yaml')
    .flatMap((file) =>
      manifestsIn(deployed('kubernetes', file)).map((manifest) => [file, manifest] as const),
    );
}

export function readYaml(...names: readonly string[]): unknown {
  return parse(deployed(...names), { merge: true });
}

interface Kind {
  readonly prototype: { validate(): unknown };
}
const GROUPS: Readonly<Record<string, object>> = {
  v1: core,
  'apps/v1': apps,
  'autoscaling/v2': autoscaling,
  'batch/v1': batch,
  'networking.k8s.io/v1': networking,
  'policy/v1': policy,
};

/**
 * By Kubernetes' own schemas. They let unknown fields pass, which a cluster would refuse or ignore: a field that the check
 * never reads is one that the schema does not have.
 * @returns the fields that no schema knows
 * @throws Error for a value that the schema does not allow
 */
export async function unknownFields(manifest: Manifest): Promise<readonly string[]> {
  const kind = (GROUPS[manifest.apiVersion] as Readonly<Record<string, Kind>> | undefined)?.[manifest.kind];
  if (!kind) throw new Error(`no schema of ${manifest.apiVersion} ${manifest.kind}`);
  const unread = new Set<string>();
  await kind.prototype.validate.call(watched(manifest, '', unread)); // the constructor would make a copy
  return [...unread];
}

function watched(value: unknown, at: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const inside = (key: string): string => `${at}/${key}`;
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, watched(child, inside(key), unread)]),
  );
  const target = Array.isArray(value) ? Object.assign([], Object.values(copy)) : copy;
  for (const key of Object.keys(copy)) unread.add(inside(key));
  return new Proxy(target, {
    get: (object, key, receiver) => {
      if (typeof key === 'string') unread.delete(inside(key));
      return Reflect.get(object, key, receiver) as unknown;
    },
  });
}
