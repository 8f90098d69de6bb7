/** tfjs's backend in plain JavaScript: a reference, far too slow to train with. */

import { processorName } from '../host.js';
import type { TfjsBackend } from './backend.js';
import { exactLogitGradient, plainOperations } from './operations.js';
import { initialiseBackend } from './initialise.js';

export const cpuBackend: TfjsBackend = {
  name: 'cpu',
  availability: () =>
    Promise.resolve({
      available: true,
      detail: 'plain JavaScript: a reference, about 0.1 images/s on resnet20',
    }),
  open: async () => {
    const tf = await import('@tensorflow/tfjs-core');
    await import('@tensorflow/tfjs-backend-cpu');
    await initialiseBackend(tf, 'cpu', 'cpu');
    return {
      tf,
      registeredName: 'cpu',
      description: {
        name: 'cpu',
        device: `${processorName()}, 1 thread`,
        numericsClass: `tfjs-cpu-${tf.version_core}`, // + - * / and sqrt in float64: IEEE 754 leaves nothing open
        exact: true,
        versions: { tfjs: tf.version_core },
      },
      operations: plainOperations(tf, exactLogitGradient(tf)),
    };
  },
};
