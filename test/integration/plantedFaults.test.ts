import { describe, expect, it } from 'vitest';
import { runChecks } from '../../src/check/index.js';
import type { Finding } from '../../src/check/index.js';
import { BY_KEY, sentenceText } from '../../src/foundation/options/optionError.js';
import { checkedSubject } from '../support/checkedSubject.js';
import { PLANTED_FAULTS } from '../support/plantedFaults.js';

const signal = new AbortController().signal;
const sound = await checkedSubject();

function complaints(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ verdict }) => verdict === 'warn' || verdict === 'fail')
    .map((finding) => `${finding.name}: ${'seen' in finding ? sentenceText(finding.seen, BY_KEY) : ''}`);
}

describe('the checks', () => {
  it('have nothing to say of a training that is in order', async () => {
    const findings = await runChecks(sound, { signal });
    expect(complaints(findings)).toEqual([]);
    expect(findings.filter(({ verdict }) => verdict === 'left-out')).toEqual([]);
  });

  it.each(PLANTED_FAULTS)('name "$fault" by $check, and by no other', async ({ check, says, plant }) => {
    const findings = await runChecks(plant(sound), { signal });
    const [complaint, ...others] = complaints(findings);
    expect(others).toEqual([]);
    expect(complaint).toMatch(new RegExp(`^${check}: `));
    expect(complaint!.slice(check.length + 2)).toMatch(says);
  });
});
