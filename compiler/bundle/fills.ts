/** Inputs of language models and what a caller who gives only tokens means by leaving them out. */
import type {PortEntry} from './format.js';

export const FILLS: Readonly<Record<string, NonNullable<PortEntry['fill']>>> = {input_ids: 'tokens', attention_mask: 'ones', position_ids: 'positions'};
