/**
 * All that computes in a page, as one file for its Workers: the node of a tab, each of its threads, and what classifies
 * images for the live page. Only what computes on a GPU is a file of its own: gpu.js.
 */

import { z } from 'zod';
import { simdEngine } from '../../engine/simd/index.js';
import { serveAsNode } from './node/node.js';
import { NODE_NAME, THREAD_NAME } from './node/talk.js';
import { serveAsThread } from './node/thread.js';
import { serveAsClassifier } from './try/classify.js';
import { TRY_NAME } from './try/talk.js';

// The page's policy allows no code from text, which zod would otherwise try to make.
z.config({ jitless: true });

switch (self.name) {
  case NODE_NAME:
    serveAsNode();
    break;
  case THREAD_NAME:
    serveAsThread(({ numerics }, model) => simdEngine.load(model, numerics));
    break;
  case TRY_NAME:
    serveAsClassifier();
}
