/** Runs all passes. */
import type {Graph} from '../graph/graph.js';
import {removeDead} from '../graph/topology.js';
import {verify} from '../graph/verify.js';
import {passes} from './index.js';
import {inferTypes, type TypedGraph} from './infer-types.js';
import {applyPass, type Pass} from './pass.js';

/** @param observe Sees the graph after each pass, for `snug inspect`. */
export function optimize(graph: Graph, list: readonly Pass[] = passes, observe?: (name: string, typed: TypedGraph) => void): TypedGraph {
	let typed = inferTypes(removeDead(graph));
	verify(typed.graph);
	observe?.('import', typed);
	for (const pass of list) {
		typed = applyPass(typed, pass);
		observe?.(pass.name, typed);
	}

	return typed;
}
