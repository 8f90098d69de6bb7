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
      'compare two runs: options, data, versions, and the first epoch after which their weights differ',
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
    weightsText(diff),
  ].join('\n');
}

function section(title: string, differences: readonly Difference[], { a, b }: RunDiff): readonly string[] {
  if (differences.length === 0) return [`${title}: equal`, ''];
  const columns = [
    { title: 'option', text: ({ key }: Difference) => key },
    { title: a, text: (difference: Difference) => optionText(difference.a) },
    { title: b, text: (difference: Difference) => optionText(difference.b) },
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
