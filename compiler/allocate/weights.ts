/** The weights of a graph: the matrices that Linear and Embedding use. One that is used twice (a tied head) is one weight. */
import {createHash} from 'node:crypto';
import type {Feedback, Weight} from '../codecs/codec.js';
import type {Graph} from '../graph/graph.js';
import type {Constant} from '../graph/tensor.js';

export type GraphWeight = {
	readonly name: string;
	readonly rows: number;
	readonly columns: number;
	readonly constant: Constant;
	/** The constants of the graph that are this matrix. */
	readonly uses: readonly string[];
	/** How many products of a run have it as a factor. */
	readonly products: number;
};

/** Twins of at least this many elements are found by their content, whatever the exporter called them. */
const COMPARED = 1 << 16;

export function findWeights(graph: Graph): GraphWeight[] {
	const found = new Map<string, {name: string; constant: Constant; uses: string[]}>();
	const shapes = new Map<string, number>();
	const names = new Set(graph.nodes.filter(node => node.op === 'snug.Linear' || node.op === 'snug.Embedding').map(node => node.inputs[1]!));
	const constants = [...names].map(name => [name, graph.constants.get(name)!] as const);
	for (const [, {dims}] of constants) {
		shapes.set(dims.join(), (shapes.get(dims.join()) ?? 0) + 1);
	}

	// Only an embedding can be tied to a linear; hashing all equal shapes would read every layer once more.
	const tables = new Set(graph.nodes.filter(node => node.op === 'snug.Embedding').map(node => graph.constants.get(node.inputs[1]!)!.dims.join()));
	const objects = new Map<Constant, string>();
	for (const [name, constant] of constants) {
		const shape = constant.dims.join();
		let key = constant.identity ?? objects.get(constant) ?? `object:${name}`;
		objects.set(constant, key);
		if (constant.dims[0]! * constant.dims[1]! >= COMPARED && shapes.get(shape)! > 1 && tables.has(shape)) {
			const data = constant.read();
			key = createHash('sha256')
				.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
				.digest('hex');
		}

		const twin = found.get(key);
		if (twin) {
			twin.uses.push(name);
		} else {
			found.set(key, {name, constant, uses: [name]});
		}
	}

	const factors = graph.nodes.filter(({op}) => op === 'snug.Linear').map(({inputs}) => inputs[1]!);
	return [...found.values()].map(({name, constant, uses}) => ({
		name,
		rows: constant.dims[0]!,
		columns: constant.dims[1]!,
		constant,
		uses,
		products: factors.filter(factor => uses.includes(factor)).length,
	}));
}

/** The weight as codecs read it. Its data is read once, at the first use, and lives as long as the object. */
export function openWeight({name, rows, columns, constant}: GraphWeight, feedback?: Feedback): Weight {
	let data: Float32Array | undefined;
	return {
		name,
		rows,
		columns,
		read(first, count) {
			data ??= constant.read() as Float32Array;
			return data.subarray(first * columns, (first + count) * columns);
		},
		...(constant.quantized ? {quantized: constant.quantized} : {}),
		...(feedback && {feedback}),
	};
}
