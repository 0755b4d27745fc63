/**
 * A large table is cut into bands of rows, so that each has a code of its own. Vocabularies begin with what is frequent (words by their
 * counts, merges in their order), and a calibration then finds that the first bands are worth more bits than the last.
 *
 * Every band is looked up at an id inside it, and each token takes the row of its own band; an id that is out of range stays so. Logits
 * from the same table are those of the bands, one after the other.
 */
import {readsOf} from '../graph/captures.js';
import {int64, type Constant} from '../graph/tensor.js';
import type {Node} from '../graph/graph.js';
import {rewrite, type Build, type Rule, type View} from './rewrite.js';
import type {Pass} from './pass.js';
import {cutRows} from './rows.js';
import {isSame} from './same-constant.js';

/** Rows from which on a table is cut. */
const LEAST = 2048;

/** Where bands end, in sixteenths of the rows: bands grow as frequencies fall. */
const ENDS = [1, 2, 3, 4, 6, 8, 12, 16];

export const bandTables: Pass = {
	name: 'band-tables',
	description: 'large tables are cut into bands of rows, of which the frequent ones get more bits',
	run(typed) {
		const tables = new Map<string, number>();
		const rule: Rule = {
			name: 'large table',
			ops: ['snug.Embedding'],
			apply(node, view, build) {
				const [ids, table] = node.inputs as [string, string];
				const constant = view.constant(table)!;
				// Codes of a file lie by whole rows, but are read as one. Positions, which a model computes, come equally often.
				if (constant.dims[0]! < LEAST || constant.quantized || view.type(ids).dtype !== 'int64' || !view.graph.inputs.includes(ids)) {
					return false;
				}

				const others = findOthers(node, constant, view);
				const [head, ...more] = others;
				if (more.length > 0 || (head && !isHead(head, view))) {
					return false;
				}

				const bands = cutBands(table, constant, build);
				lookUp(node, bands, view, build);
				if (head) {
					const logits = bands.map(({name}) => build.node('snug.Linear', [head.inputs[0]!, name]));
					build.node('Concat', logits, {axis: -1}, head.outputs);
				}

				tables.set(ids, Math.min(constant.dims[0]!, tables.get(ids) ?? Infinity));
				return {replaces: others};
			},
		};
		const graph = rewrite(typed, [rule]);
		return tables.size === 0 ? graph : {...graph, tables: {...graph.tables, ...Object.fromEntries(tables)}};
	},
};

/** The other nodes that read the same matrix, by this name or another. */
function findOthers(node: Node, constant: Constant, {graph}: View): Node[] {
	const shape = constant.dims.join();
	const names = graph.nodes.flatMap(other => (other === node ? [] : readsOf(other))).filter(name => graph.constants.get(name)?.dims.join() === shape);
	const same = new Set([...new Set(names)].filter(name => isSame(constant, graph.constants.get(name)!)));
	return graph.nodes.filter(other => other !== node && readsOf(other).some(name => same.has(name)));
}

/** Whether a tied table is the weight of the node, and there is nothing else to it. */
const isHead = ({op, inputs}: Node, {constant}: View): boolean => op === 'snug.Linear' && (inputs[2] ?? '') === '' && !constant(inputs[1]!)?.quantized;

type Band = {readonly name: string; readonly first: number; readonly end: number};

function cutBands(table: string, constant: Constant, build: Build): Band[] {
	const rows = constant.dims[0]!;
	const ends = ENDS.map(end => (end === 16 ? rows : Math.floor((end * rows) / 16 / 16) * 16));
	return cutRows(constant, ends).map((band, index) => {
		const first = ends[index - 1] ?? 0;
		return {name: build.constant(`${table}.rows${first}`, band), first, end: ends[index]!};
	});
}

function lookUp({inputs: [given, table], outputs}: Node, bands: readonly Band[], view: View, build: Build): void {
	const number = (value: number): string => build.constant(`${table}.${value}`, int64([], [value]));
	const isBelow = (ids: string, end: number): string => build.node('Less', [ids, number(end)]);
	// From the end, where an id is negative.
	const ids = build.node('Where', [isBelow(given!, 0), build.node('Add', [given!, number(bands.at(-1)!.end)]), given!]);
	const axis = build.constant(`${table}.axis`, int64([1], [view.type(given!).shape.length]));
	let found: string | undefined;
	for (const [index, {name, first, end}] of bands.entries()) {
		const isLast = index === bands.length - 1;
		if (found === undefined) {
			// Below the table no row is right: one behind the band is out of range.
			const inside = build.node('Where', [isBelow(ids, 0), number(end), build.node('Min', [ids, number(end - 1)])]);
			found = build.node('snug.Embedding', [inside, name]);
			continue;
		}

		const from = build.node('Max', [build.node('Sub', [ids, number(first)]), number(0)]);
		const at = isLast ? from : build.node('Min', [from, number(end - first - 1)]);
		const row = build.node('snug.Embedding', [at, name]);
		found = build.node('Where', [build.node('Unsqueeze', [isBelow(ids, first), axis]), found, row], {}, isLast ? outputs : undefined);
	}
}
