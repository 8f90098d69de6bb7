/** `lockstep export RUN|CHECKPOINT`: the weights for PyTorch, ONNX or tfjs, with a model card. */

import type { Command } from 'commander';
import { LockstepError } from '../../foundation/errors.js';
import { OptionError, use } from '../../foundation/options/optionError.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { exportCheckpoint, EXPORT_SETTINGS, jsonSetting, nonEmpty } from '../../session/index.js';
import { count } from '../../foundation/count.js';
import { entriesOf, withLetter } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError, printJson } from '../process/terminal.js';

const OPTIONS = { ...EXPORT_SETTINGS, json: jsonSetting('print one JSON object') };
type RawOptions = ValuesOf<typeof OPTIONS>;

export function addExportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('write the weights of a run for other programs, with a model card')
    .argument(
      '<checkpoint>',
      'a .safetensors file of a run, or the run folder (then: its best weights, else its last)',
      nonEmpty('CHECKPOINT', 'runs/first'),
    );
  const entries = entriesOf(OPTIONS);
  declareOptions(
    command,
    entries.map((entry) => (entry.key === 'output' ? withLetter('o', entry) : entry)),
  );
  command.action((checkpoint: string) => exportInTerminal(checkpoint, command.opts<RawOptions>()));
}

async function exportInTerminal(checkpoint: string, { format, output, json }: RawOptions): Promise<void> {
  if (output === undefined) {
    throw new OptionError(
      [{ option: 'output' }, ' must name a new or an empty folder for the files'],
      [use('output', `exported-${format}`)],
    );
  }
  const stop = listenForStop(() => undefined);
  try {
    const outcome = await exportCheckpoint({
      ...{ checkpoint, format, output },
      signal: stop.signal,
      onNotice: (message) => printError(`lockstep: ${message}`),
    });
    if (json) return printJson(outcome);
    const { model, epoch, files, weightsSha256 } = outcome;
    print(`${model} after epoch ${epoch} (${outcome.checkpoint}, sha256 ${weightsSha256})`);
    const list = files.map(({ name, bytes }) => `${name} (${count(bytes, 'byte')})`);
    print(`wrote ${output}: ${list.join(', ')}`);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    stop.dispose();
  }
}
