import type {Op} from '../op.js';

export const mathOps: readonly Op[] = [];
