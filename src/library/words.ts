/** How a program writes options, in errors and notices: `use microBatch: 32`, `insecure: true`, `tls.cert`. */

import { valueText } from '../foundation/options/kind.js';
import type { OptionValue } from '../foundation/options/kind.js';
import { sentenceText } from '../foundation/options/optionError.js';
import type { Sentence, Wording } from '../foundation/options/optionError.js';

/** Options that the library has in another form than the command line. */
const OWN_NAMES: ReadonlyMap<string, string> = new Map([
  ['dataset', 'data'],
  ['dataDir', 'data: await loadCifar10(folder)'],
  ['listen', 'host and port'],
  ['heartbeatTimeout', 'heartbeatTimeoutMs'],
  ['waitTimeout', 'waitTimeoutMs'],
  ['retryFor', 'retryForMs'],
  ['tlsCert', 'tls.cert'],
  ['tlsKey', 'tls.key'],
]);

/** The value of an option in another form says nothing to a program. */
export const IN_PROGRAM: Wording = {
  option: ({ option, value }) => {
    if (value === undefined || OWN_NAMES.has(option)) return nameOf(option);
    return typeof value === 'boolean' ? property(option, value) : `${option} ${valueText(value)}`;
  },
  remedy: (remedy) => {
    if (remedy.kind === 'leave-out') return `leave ${nameOf(remedy.option)} out`;
    const [first, ...others] = remedy.values;
    if (first === undefined || OWN_NAMES.has(remedy.option)) return `use another ${nameOf(remedy.option)}`;
    return ['use', property(remedy.option, first), ...others.map((value) => `or ${jsonText(value)}`)].join(
      ' ',
    );
  },
};

export function inProgram(sentence: Sentence | string): string {
  return sentenceText(sentence, IN_PROGRAM);
}

function nameOf(option: string): string {
  return OWN_NAMES.get(option) ?? option;
}

function property(option: string, value: OptionValue): string {
  return `${option}: ${jsonText(value)}`;
}

function jsonText(value: OptionValue): string {
  return JSON.stringify(value);
}
