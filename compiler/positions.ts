/** How many positions a model can be compiled for: what the caller asks, what its configuration says, what its own tables hold. */
import {SnugError} from './error.js';
import {describeNode, type Graph, type Node} from './graph/graph.js';

/** Positions of state unless the caller or the profile says otherwise. */
export const DEFAULT_POSITIONS = 1024;

/** Which input of an op is a table with a row for each position. */
const TABLES: Readonly<Record<string, number>> = {'com.microsoft.GroupQueryAttention': 7, 'com.microsoft.RotaryEmbedding': 2, RotaryEmbedding: 1};

type Limit = {readonly rows: number; readonly node: Node};

function tableLimit(graph: Graph): Limit | undefined {
	return graph.nodes
		.flatMap(node => {
			const dims = graph.constants.get(node.inputs[TABLES[node.op] ?? -1] ?? '')?.dims;
			return dims?.length === 2 ? [{rows: dims[0]!, node}] : [];
		})
		.sort((a, b) => a.rows - b.rows)[0];
}

/** @param context Positions that the model's configuration names. */
export function choosePositions(graph: Graph, asked: number | undefined, byDefault = DEFAULT_POSITIONS, context = Infinity): number {
	const limit = tableLimit(graph);
	if (asked !== undefined && !(Number.isSafeInteger(asked) && asked > 0)) {
		throw new SnugError('invalid-positions', {
			subject: '--max-sequence',
			problem: 'no number of positions',
			expected: 'a whole number of at least 1',
			found: `${asked}`,
		});
	}

	if (asked !== undefined && limit && asked > limit.rows) {
		throw new SnugError('too-many-positions', {
			subject: describeNode(limit.node),
			problem: 'its table of positions is too short for --max-sequence',
			expected: `at most ${limit.rows}`,
			found: `${asked}`,
			hint: `use --max-sequence ${limit.rows} or less`,
		});
	}

	return asked ?? Math.min(byDefault, context, limit?.rows ?? Infinity);
}
