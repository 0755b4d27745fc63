/** A pass: a pure function from a typed graph to a graph. `index.ts` lists them in order. */
import type {Graph} from '../graph/graph.js';
import {removeDead, sortNodes} from '../graph/topology.js';
import {verify} from '../graph/verify.js';
import {inferTypes, type TypedGraph} from './infer-types.js';

export type Pass = {
	readonly name: string;
	/** One sentence for `snug inspect --help`. */
	readonly description: string;
	/** Of a transform: some models lose more with it than without. */
	readonly mayHurt?: true;
	run(typed: TypedGraph): Graph;
};

/** Runs a pass, sorts, drops what is dead, infers types anew and verifies; errors say after which pass. */
export function applyPass(typed: TypedGraph, pass: Pass): TypedGraph {
	const graph = pass.run(typed);
	if (graph === typed.graph) {
		return typed;
	}

	try {
		const next = inferTypes(removeDead({...graph, nodes: sortNodes(graph.nodes)}));
		verify(next.graph);
		return next;
	} catch (error) {
		throw error instanceof Error ? Object.assign(error, {message: `after pass ${pass.name}: ${error.message}`}) : error;
	}
}
