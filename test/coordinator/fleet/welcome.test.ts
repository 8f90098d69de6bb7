import { describe, expect, it } from 'vitest';
import { welcomeFor } from '../../../src/coordinator/index.js';
import { buildModel, networkText } from '../../../src/model/index.js';
import { recipe } from '../../support/recipes.js';

describe('what a node is told of a run', () => {
  it('is of the model, the data and the recipe', () => {
    const model = buildModel('resnet8', 0.25);
    const welcome = welcomeFor({
      runName: 'r'.repeat(300),
      model,
      normalisation: { mean: [0.1, 0.2, 0.3], standardDeviation: [0.4, 0.5, 0.6] },
      recipe: recipe({ cropPadding: 2, labelSmoothing: 0.1, evalStatistics: 'batch' }),
    });
    expect(welcome).toMatchObject({
      runName: 'r'.repeat(200),
      network: networkText(model),
      mean: [0.1, 0.2, 0.3],
      standardDeviation: [0.4, 0.5, 0.6],
      cropPadding: 2,
      labelSmoothing: 0.1,
      evaluationStatistics: 'batch',
    });
  });
});
