import type {Op} from '../op.js';
import {activationOps, geluOp} from './activation.js';
import {argOps} from './arg.js';
import {arithmeticOps, mod} from './binary.js';
import {castLike, castOp, dropout, identity} from './cast.js';
import {batchNormalization, groupNormalization, instanceNormalization} from './channel-norm.js';
import {clip} from './clip.js';
import {cumSum} from './cumsum.js';
import {withHalves} from './halves.js';
import {isInfOp, isNaNOp} from './float-test.js';
import {layerNormOps} from './layer-norm.js';
import {localResponseNormalization} from './local-response-norm.js';
import {bitShift, bitwiseNot, logicOps, not} from './logic.js';
import {lpNormalization} from './lp-norm.js';
import {meanVarianceNormalization} from './mean-variance-norm.js';
import {pow} from './power.js';
import {reduceOps} from './reduce.js';
import {softmaxOps} from './softmax.js';
import {neg, unaryOps} from './unary.js';
import {variadicOps} from './variadic.js';
import {where} from './where.js';

/** What only moves elements, or converts by itself. */
const moving: readonly Op[] = [castOp, castLike, identity, dropout, where];

const computing: readonly Op[] = [
	...unaryOps,
	neg,
	...activationOps,
	geluOp,
	isNaNOp,
	isInfOp,
	not,
	bitwiseNot,
	clip,
	...arithmeticOps,
	mod,
	pow,
	...logicOps,
	bitShift,
	...variadicOps,
	...reduceOps,
	...argOps,
	...softmaxOps,
	cumSum,
	...layerNormOps,
	batchNormalization,
	groupNormalization,
	instanceNormalization,
	lpNormalization,
	localResponseNormalization,
	meanVarianceNormalization,
];

export const mathOps: readonly Op[] = [...moving, ...computing.map(withHalves)];
