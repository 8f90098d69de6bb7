/** `lockstep diff A B`: in what two runs differ, and where their weights part. */

import type { Command } from 'commander';
import { diffRuns, optionText, requireRun } from '../../watch/index.js';
import type { Difference, RunDiff } from '../../watch/index.js';
import { tableLines } from '../display/table.js';
import { count } from '../../foundation/count.js';
import { entriesOf } from '../options/optionTable.js';
import { jsonSetting } from '../../session/index.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print, printJson } from '../process/terminal.js';

export function addDiffCommand(program: Command): void {
  const command = program
    .command('diff')
    .description(
      'compare two runs: options, data, versions, numerics, and the first epoch after which their weights differ',
    )
    .argument('<a>', 'run folder')
    .argument('<b>', 'run folder')
    .action(async (a: string, b: string, { json }: { readonly json: boolean }) => {
      const diff = await diffRuns(requireRun(a), requireRun(b));
      if (json) printJson(diff);
      else print(diffText(diff));
    });
  declareOptions(command, entriesOf({ json: jsonSetting('print one JSON object') }));
}

function diffText(diff: RunDiff): string {
  return [
    ...section('Options that decide the weights', diff.recipe, diff),
    ...section('Everything else', diff.surroundings, diff),
    ...section('Engine and numerics', diff.numerics, diff, '(not known)'),
    ...dataSection(diff),
    weightsText(diff),
    ...(diff.equalToTheBit ? ['The two runs are equal to the bit.'] : []),
  ].join('\n');
}

function dataSection(diff: RunDiff): readonly string[] {
  const { data } = diff;
  switch (data.verdict) {
    case 'unknown':
      return ['Samples and labels: not known; a run has no checkpoint with their digests', ''];
    case 'equal':
      return ['Samples and labels: equal', ''];
    case 'different':
      return section('Samples and labels', data.differences, diff);
  }
}

/** @param missing stands for what one run does not have */
function section(
  title: string,
  differences: readonly Difference[],
  { a, b }: RunDiff,
  missing = optionText(undefined),
): readonly string[] {
  const textOf = (value: unknown): string => (value === undefined ? missing : optionText(value));
  if (differences.length === 0) return [`${title}: equal`, ''];
  const columns = [
    { title: 'option', text: ({ key }: Difference) => key },
    { title: a, text: (difference: Difference) => textOf(difference.a) },
    { title: b, text: (difference: Difference) => textOf(difference.b) },
  ];
  return [`${title}:`, ...tableLines(columns, differences).map((line) => `  ${line}`), ''];
}

function weightsText({ weights, finalWeightsEqual }: RunDiff): string {
  const final =
    finalWeightsEqual === null
      ? ''
      : finalWeightsEqual
        ? '; the final weights are equal'
        : '; the final weights differ';
  switch (weights.verdict) {
    case 'unknown':
      return `Weights: no epoch was completed by both runs${final}`;
    case 'equal':
      return `Weights: equal to the last bit after each of ${count(weights.epochs, 'epoch')}${final}`;
    case 'different':
      return `Weights: first differ after epoch ${weights.epoch}; equal before it: ${count(weights.equalEpochs, 'epoch')}${final}`;
  }
}
