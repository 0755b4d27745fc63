/** Our own ops: what passes make of exporters' patterns, one kernel each. */
import {throughFloat} from '../math/halves.js';
import type {Op} from '../op.js';
import {attention} from './attention.js';
import {gated} from './gated.js';
import {embedding, linear} from './linear.js';
import {mix} from './mix.js';
import {rotary} from './rotary.js';

export const fusedOps: readonly Op[] = [linear, embedding, throughFloat(rotary), throughFloat(attention), gated, mix];
