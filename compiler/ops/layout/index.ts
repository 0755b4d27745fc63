import type {Op} from '../op.js';
import {centerCropPad} from './center-crop-pad.js';
import {col2im} from './col2im.js';
import {compress, nonZero} from './compress.js';
import {concat} from './concat.js';
import {constant, constantOfShape} from './constant.js';
import {depthToSpace, spaceToDepth} from './depth-space.js';
import {expand, tile} from './expand.js';
import {gatherElements} from './gather-elements.js';
import {gatherND} from './gather-nd.js';
import {gather} from './gather.js';
import {gridSample} from './grid-sample.js';
import {oneHot} from './one-hot.js';
import {pad} from './pad.js';
import {range} from './range.js';
import {flatten, reshape} from './reshape.js';
import {resize, upsample} from './resize.js';
import {reverseSequence} from './reverse-sequence.js';
import {scatter, scatterElements, scatterND} from './scatter.js';
import {shape, size} from './shape.js';
import {slice} from './slice.js';
import {split} from './split.js';
import {squeeze, unsqueeze} from './squeeze.js';
import {topK} from './top-k.js';
import {transpose} from './transpose.js';
import {eyeLike, trilu} from './triangular.js';

const shapes = [shape, size, reshape, flatten, squeeze, unsqueeze];
const movement = [
	transpose,
	expand,
	tile,
	concat,
	split,
	slice,
	pad,
	depthToSpace,
	spaceToDepth,
	reverseSequence,
	resize,
	upsample,
	gridSample,
	centerCropPad,
	col2im,
];
const indexing = [gather, gatherElements, gatherND, scatter, scatterElements, scatterND, compress, nonZero, topK, oneHot];
const generation = [constant, constantOfShape, range, eyeLike, trilu];

export const layoutOps: readonly Op[] = [...shapes, ...movement, ...indexing, ...generation];
