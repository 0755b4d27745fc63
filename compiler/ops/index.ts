/** All ops, by name. A new op is a file in one of the folders and a line in its `index.ts`. */
import {contribOps} from './contrib/index.js';
import {fusedOps} from './fused/index.js';
import {layoutOps} from './layout/index.js';
import {linearOps} from './linear/index.js';
import {mathOps} from './math/index.js';
import {quantizationOps} from './quantization/index.js';
import type {Op} from './op.js';

export const ops: ReadonlyMap<string, Op> = new Map(
	[...mathOps, ...layoutOps, ...linearOps, ...quantizationOps, ...contribOps, ...fusedOps].map(op => [op.name, op] as const),
);
