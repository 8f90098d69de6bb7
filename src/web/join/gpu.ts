/** A thread that computes on the GPU. Pages load it only where somebody has chosen that. */

import { z } from 'zod';
import { PageGpu } from '../../engine/webgpu/pages.js';
import { serveAsThread } from './node/thread.js';

// The page's policy allows no code from text, which zod would otherwise try to make.
z.config({ jitless: true });

const gpu = new PageGpu((navigator as Partial<Navigator>).gpu);
serveAsThread((_choice, model) => gpu.load(model));
