/**
 * A large table that is only looked up is cut into bands of rows, so that each has a code of its own. Vocabularies begin with what is frequent
 * (words by their counts, merges in their order), and a calibration then finds that the first bands are worth more bits than the last.
 *
 * Every band is looked up at an id inside it, and each token takes the row of its own band; an id that is out of range stays so.
 */
import {int64, type Constant} from '../graph/tensor.js';
import type {Node} from '../graph/graph.js';
import {rewrite, type Build, type Rule, type View} from './rewrite.js';
import type {Pass} from './pass.js';

/** Rows from which on a table is cut. */
const LEAST = 8192;

/** Where bands end, in sixteenths of the rows: bands grow as frequencies fall. */
const ENDS = [1, 2, 3, 4, 6, 8, 12, 16];

export const bandTables: Pass = {
	name: 'band-tables',
	description: 'large tables that are only looked up are cut into bands of rows, of which the frequent ones get more bits',
	run(typed) {
		const factors = typed.graph.nodes.filter(({op}) => op === 'snug.Linear').map(({inputs}) => typed.graph.constants.get(inputs[1]!)!.dims.join());
		const tables = new Map<string, number>();
		const rule: Rule = {
			name: 'large table',
			ops: ['snug.Embedding'],
			apply(node, view, build) {
				const [ids, table] = node.inputs as [string, string];
				const constant = view.constant(table)!;
				// A head of the same shape may be the same matrix, which is held once. Codes of a file lie by whole rows, but are read as one.
				const isAlone = view.usedOnce(table) && !factors.includes(constant.dims.join()) && !constant.quantized;
				if (!isAlone || constant.dims[0]! < LEAST || view.type(ids).dtype !== 'int64') {
					return false;
				}

				cut(node, constant, view, build);
				tables.set(ids, Math.min(constant.dims[0]!, tables.get(ids) ?? Infinity));
				return true;
			},
		};
		const graph = rewrite(typed, [rule]);
		return tables.size === 0 ? graph : {...graph, tables: {...graph.tables, ...Object.fromEntries(tables)}};
	},
};

function cut({inputs: [given, table], outputs}: Node, constant: Constant, view: View, build: Build): void {
	const rows = constant.dims[0]!;
	const ends = ENDS.map(end => (end === 16 ? rows : Math.floor((end * rows) / 16 / 16) * 16));
	const number = (value: number): string => build.constant(`${table}.${value}`, int64([], [value]));
	const isBelow = (ids: string, end: number): string => build.node('Less', [ids, number(end)]);
	// From the end, where an id is negative.
	const ids = build.node('Where', [isBelow(given!, 0), build.node('Add', [given!, number(rows)]), given!]);
	const last = build.constant(`${table}.axis`, int64([1], [view.type(given!).shape.length]));
	const read = shared(constant);
	let found: string | undefined;
	for (const [index, end] of ends.entries()) {
		const first = ends[index - 1] ?? 0;
		const band = build.constant(`${table}.rows${first}`, sliceRows({...constant, read}, first, end));
		const name = index === ends.length - 1 ? outputs : undefined;
		if (found === undefined) {
			// Below the table no row is right: one behind the band is out of range.
			const inside = build.node('Where', [isBelow(ids, 0), number(end), build.node('Min', [ids, number(end - 1)])]);
			found = build.node('snug.Embedding', [inside, band]);
			continue;
		}

		const from = build.node('Max', [build.node('Sub', [ids, number(first)]), number(0)]);
		const at = index === ends.length - 1 ? from : build.node('Min', [from, number(end - first - 1)]);
		const row = build.node('snug.Embedding', [at, band]);
		found = build.node('Where', [build.node('Unsqueeze', [isBelow(ids, first), last]), found, row], {}, name);
	}
}

/** Reading may mean to rotate: bands that are read one after the other share what was read, while something still holds it. */
function shared({read}: Constant): Constant['read'] {
	let held: WeakRef<ReturnType<Constant['read']>> | undefined;
	return () => {
		const values = held?.deref() ?? read();
		held = new WeakRef(values);
		return values;
	};
}

const sliceRows = (constant: Constant, first: number, end: number): Constant => {
	const columns = constant.dims[1]!;
	return {
		dtype: constant.dtype,
		dims: [end - first, columns],
		...(constant.identity === undefined ? {} : {identity: `rows(${constant.identity}, ${first}, ${end})`}),
		read: () => constant.read().slice(first * columns, end * columns),
	};
};
