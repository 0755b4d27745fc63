import type {Op} from '../op.js';

export const contribOps: readonly Op[] = [];
