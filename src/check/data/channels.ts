/** Every colour channel varies. */

import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { inputMomentsOf } from './inputMoments.js';

export const channels: Check = {
  name: 'channels',
  group: 'data',
  about: 'every colour channel has more than one value',
  run: async (bench) => {
    const { constant } = await inputMomentsOf(bench);
    const { channels: channelCount } = bench.subject.data.set.imageShape;
    const expected = channelCount === 1 ? 'a channel that varies' : `${channelCount} channels that vary`;
    if (constant.length === 0)
      return passed(expected, channelCount === 1 ? 'it does' : `all ${channelCount} do`);
    return found('fail', {
      expected,
      seen: `channel ${constant.join(', ')} has one value in all images (counted from 0)`,
      advice: 'look at how the pixels are read: their order may be another, or a colour is lost',
    });
  },
};
