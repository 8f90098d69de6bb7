import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEPLOY, kubernetesManifests, manifestsIn, unknownFields } from './manifests.js';
import type { Manifest } from './manifests.js';

const manifests = kubernetesManifests();

describe('the manifests for Kubernetes', () => {
  it.each(manifests.map(([file, manifest]) => [`${file}: ${manifest.kind}`, manifest] as const))(
    '%s is as its schema has it',
    async (_, manifest) => {
      expect(await unknownFields(manifest)).toEqual([]);
    },
  );

  it.each([
    ['a field that is misspelt', { image: 'a', imagePullPolicies: 'x' }, ['imagePullPolicies']],
    ['a field deep inside', { image: 'a', securityContext: { runAsNonroot: true } }, ['runAsNonroot']],
  ])('the check finds %s', async (_, container, fields) => {
    const found = await unknownFields(deployment({ name: 'a', ...container }));
    expect(found.map((field) => path.basename(field))).toEqual(fields);
  });

  it('the check finds a value of the wrong type', async () => {
    await expect(unknownFields(deployment({ name: 'a', args: 'train' }))).rejects.toThrow(/args/);
  });

  it('services, policies and budgets choose pods that there are', () => {
    const labels = manifests.flatMap(([, { spec }]) => {
      const template = spec?.['template'] as { metadata?: { labels?: object } } | undefined;
      return template?.metadata?.labels ? [template.metadata.labels] : [];
    });
    const selectors = manifests.flatMap(([file, { kind, spec = {} }]) => {
      if (file.startsWith('job')) return []; // the Job controller labels its pods itself
      const selector = (spec['podSelector'] ?? spec['selector']) as { matchLabels?: object } | undefined;
      return selector ? [[`${file} ${kind}`, selector.matchLabels ?? selector] as const] : [];
    });
    expect(selectors.length).toBeGreaterThan(4);
    for (const [where, selector] of selectors)
      expect(labels, where).toContainEqual(expect.objectContaining(selector));
  });

  it('no pod runs as root, writes outside its volumes, or talks to the API', () => {
    const pods = manifests.flatMap(([, { spec }]) => {
      const template = spec?.['template'] as { spec?: PodSpec } | undefined;
      return template?.spec ? [template.spec] : [];
    });
    expect(pods).toHaveLength(3);
    for (const { automountServiceAccountToken, securityContext, containers } of pods) {
      expect(automountServiceAccountToken).toBe(false);
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const container of containers)
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
  });
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('SKIPPED: "kubectl kustomize" is not tried: there is no kubectl');

describe.skipIf(!hasKubectl)('kubectl kustomize', () => {
  it.each([
    ['base', 'StatefulSet'],
    ['autoscaled', 'HorizontalPodAutoscaler'],
    ['job', 'Job'],
  ])('renders %s', async (name, kind) => {
    const folder = path.join(DEPLOY, 'kubernetes', name);
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const rendered = manifestsIn(stdout);
    expect(rendered.map((manifest) => manifest.kind)).toContain(kind);
    for (const manifest of rendered) expect(await unknownFields(manifest)).toEqual([]);
    expect(stdout).not.toMatch(/image: lockstep$/m); // replaced by one of a registry
  });
});

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: object;
  readonly containers: readonly { readonly securityContext?: object }[];
}

function deployment(container: object): Manifest {
  const labels = { app: 'a' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}
