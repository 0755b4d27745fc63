/** The table of codecs. A new one adds its file, its kernels and a line here. */
import type {Codec} from './codec.js';
import {bfp} from './bfp.js';
import {bitstack} from './bitstack.js';
import {dense} from './dense.js';
import {nf4} from './nf4.js';
import {planes} from './planes.js';
import {scalar} from './scalar.js';
import {trellis} from './trellis.js';
import {vptq} from './vptq.js';

const list: readonly Codec[] = [dense, planes, scalar, trellis, vptq, bitstack, nf4, bfp];

export const codecs: ReadonlyMap<string, Codec> = new Map(list.map(codec => [codec.id, codec]));
