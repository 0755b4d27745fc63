/** A model's graph with its symbols bounded by the positions that it is compiled for. */
import path from 'node:path';
import type {Profile} from '../profiles/index.js';
import {readConfig} from './bundle/text.js';
import type {Graph, SymbolBounds} from './graph/graph.js';
import {importModel} from './onnx/import.js';
import {PREFILL_TOKENS} from './plan/lower.js';
import {choosePositions, DEFAULT_POSITIONS} from './positions.js';

export type BoundOptions = {
	readonly dims?: Readonly<Record<string, number | SymbolBounds | '*'>>;
	readonly maxSequence?: number;
	readonly profile?: Profile;
};

export function importBounded(model: string, {dims, maxSequence, profile}: BoundOptions = {}): {graph: Graph; positions: number} {
	const read = (limit: number): Graph => importModel(model, {maxSequence: limit, ...(dims ? {dims} : {})});
	const first = read(maxSequence ?? DEFAULT_POSITIONS);
	const positions = choosePositions(first, maxSequence, profile?.defaultMaxSequence, readConfig(path.dirname(model)).context);
	return {graph: boundSymbols(positions === (maxSequence ?? DEFAULT_POSITIONS) ? first : read(positions), positions), positions};
}

/** With state, a run sees at most a chunk of tokens, behind at most `positions` − 1 others. */
export function boundSymbols(graph: Graph, positions: number): Graph {
	if (graph.states.length === 0) {
		return graph;
	}

	const bounds = {sequence: {min: 1, max: Math.min(PREFILL_TOKENS, positions)}, past: {min: 0, max: positions - 1}};
	return {
		...graph,
		symbols: {...graph.symbols, ...Object.fromEntries(Object.entries(bounds).filter(([name]) => name in graph.symbols))},
		limits: {'past + sequence': {min: 1, max: positions}},
	};
}
