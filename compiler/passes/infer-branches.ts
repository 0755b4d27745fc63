/**
 * The types of an `If`: those of the branch that its condition chooses, or of both where they agree. So the graph behind an `If` has
 * types before constant folding puts the branch in its place.
 */
import {isGraph} from '../graph/captures.js';
import {equal, isNumber, keyOf} from '../graph/dim.js';
import {describeNode, type Graph, type Node} from '../graph/graph.js';
import {SnugError} from '../error.js';
import type {Surroundings} from '../ops/context.js';
import type {Inferred} from '../ops/op.js';
import {inferWithin} from './infer-types.js';

export function inferBranches(node: Node, around: Surroundings): readonly Inferred[] {
	const condition = around.value(node.inputs[0] ?? '')?.[0];
	if (condition !== undefined && isNumber(condition)) {
		return inferBranch(node, condition === 0 ? 'else_branch' : 'then_branch', around);
	}

	const [yes, no] = [inferBranch(node, 'then_branch', around), inferBranch(node, 'else_branch', around)];
	return yes.slice(0, node.outputs.length).map(({dtype, shape}, index) => {
		const other = no[index];
		if (other?.dtype !== dtype || other.shape.length !== shape.length || shape.some((dim, axis) => !equal(dim, other.shape[axis]!))) {
			throw new SnugError('data-dependent-branch', {
				subject: describeNode(node),
				problem: `the branches differ in the type of output ${index}, and the condition is known only at run time`,
				expected: describe({dtype, shape}),
				found: other ? describe(other) : 'no such output',
				hint: 'fix the dimensions that the condition depends on with --dim',
			});
		}

		return {dtype, shape};
	});
}

const describe = ({dtype, shape}: Inferred): string => `${dtype} [${shape.map(keyOf).join(', ')}]`;

function inferBranch(node: Node, name: string, around: Surroundings): Inferred[] {
	const branch = node.attributes[name];
	if (branch === undefined || !isGraph(branch)) {
		throw new SnugError('attribute-type', {subject: describeNode(node), problem: `the attribute '${name}' is missing or no graph`, expected: 'a graph'});
	}

	const {types, known} = inferWithin(branch, around);
	return branch.outputs.map(output =>
		inferredOf(output, types.get(output) ?? around.type(output), known.get(output) ?? (types.has(output) ? undefined : around.value(output)), branch),
	);
}

function inferredOf(output: string, type: Inferred | undefined, value: Inferred['value'], branch: Graph): Inferred {
	if (!type) {
		throw new SnugError('missing-output', {subject: `graph '${branch.name}'`, problem: `its output '${output}' is made by no node`});
	}

	return value ? {...type, value} : type;
}
