import type {Op} from '../op.js';

export const quantizationOps: readonly Op[] = [];
