import type {Op} from '../op.js';
import {concat} from './concat.js';
import {expand, tile} from './expand.js';
import {flatten, reshape} from './reshape.js';
import {shape, size} from './shape.js';
import {slice} from './slice.js';
import {split} from './split.js';
import {squeeze, unsqueeze} from './squeeze.js';
import {transpose} from './transpose.js';

export const layoutOps: readonly Op[] = [shape, size, reshape, flatten, squeeze, unsqueeze, transpose, expand, tile, concat, split, slice];
