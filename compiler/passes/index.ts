/** The passes, in order. */
import {bandTables} from './band-tables.js';
import {expandComposites} from './expand-composites.js';
import {foldConstants} from './fold-constants.js';
import {fuseGated, fuseGelu} from './fuse-activation.js';
import {fuseAttention} from './fuse-attention.js';
import {fuseBias, fuseLinear} from './fuse-linear.js';
import {fuseNorm} from './fuse-norm.js';
import {fuseRotary} from './fuse-rotary.js';
import {joinSiblings} from './join-siblings.js';
import {keepAtoms} from './keep-atoms.js';
import {mergeLayout} from './merge-layout.js';
import type {Pass} from './pass.js';
import {partSiblings} from './part-siblings.js';
import {reduceStrength} from './reduce-strength.js';
import {rotateStream} from './rotate-stream.js';
import {shareCommon} from './share-common.js';
import {simplify} from './simplify.js';

export const passes: readonly Pass[] = [
	keepAtoms,
	foldConstants,
	expandComposites,
	foldConstants,
	simplify,
	shareCommon,
	fuseLinear,
	fuseBias,
	fuseNorm,
	fuseGelu,
	fuseGated,
	fuseRotary,
	fuseAttention,
	reduceStrength,
	foldConstants,
	shareCommon,
	mergeLayout,
	simplify,
	mergeLayout,
	simplify,
	joinSiblings,
	shareCommon,
];

/** Equivalent transforms, which change weights so that codes lose less; behind the passes, and each can be left out. */
export const transforms: readonly Pass[] = [rotateStream, partSiblings, bandTables];
