/** Runs all passes. */
import type {Graph} from '../graph/graph.js';
import {removeDead} from '../graph/topology.js';
import {verify} from '../graph/verify.js';
import {passes, transforms} from './index.js';
import {SnugError} from '../error.js';
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

/** Runs the equivalent transforms of these names, all of them unless given. */
export function transform(typed: TypedGraph, names: readonly string[] = transforms.map(({name}) => name)): TypedGraph {
	const unknown = names.find(name => !transforms.some(pass => pass.name === name));
	if (unknown !== undefined) {
		throw new SnugError('unknown-transform', {
			subject: `transform '${unknown}'`,
			problem: 'there is none of that name',
			expected: transforms.map(({name}) => name).join(', '),
		});
	}

	return transforms.filter(({name}) => names.includes(name)).reduce(applyPass, typed);
}
