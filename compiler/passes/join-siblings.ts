/**
 * Linears that share an input are computed together: their weights are stacked, rows on rows, and the outputs are ranges of columns of
 * one result. A tied or otherwise shared weight stays as it is.
 */
import {readsOf} from '../graph/captures.js';
import {allocate} from '../graph/dtype.js';
import type {Graph, Node} from '../graph/graph.js';
import type {Constant} from '../graph/tensor.js';
import type {Pass} from './pass.js';

export const joinSiblings: Pass = {
	name: 'join-siblings',
	description: 'Linears that share an input are computed together',
	run({graph}): Graph {
		const kept = new Set([...graph.outputs, ...graph.states.map(({output}) => output)]);
		const isConstant = (name: string): boolean => graph.constants.has(name);
		const uses = new Map<string, number>();
		for (const input of graph.nodes.flatMap(readsOf)) {
			uses.set(input, (uses.get(input) ?? 0) + 1);
		}

		const groups = new Map<string, Node[]>();
		for (const node of graph.nodes) {
			if (
				node.op === 'snug.Linear' &&
				uses.get(node.inputs[1]!) === 1 &&
				!kept.has(node.outputs[0]!) &&
				isConstant(node.inputs[1]!) &&
				((node.inputs[2] ?? '') === '' || isConstant(node.inputs[2]!))
			) {
				groups.set(node.inputs[0]!, [...(groups.get(node.inputs[0]!) ?? []), node]);
			}
		}

		const constants = new Map(graph.constants);
		const values = new Map(graph.values);
		const types = new Map(graph.types);
		const gone = new Set<Node>();
		const added: Node[] = [];
		for (const [x, siblings] of groups) {
			const parts = siblings.map(node => graph.constants.get(node.inputs[1]!)!);
			const biased = siblings.filter(node => (node.inputs[2] ?? '') !== '');
			if (siblings.length < 2 || (biased.length !== 0 && biased.length !== siblings.length) || new Set(parts.map(codesOf)).size > 1) {
				continue;
			}

			const name = siblings.map(node => node.inputs[1]!).join('+');
			const put = (suffix: string, constant: Constant): string => {
				constants.set(`${name}${suffix}`, constant);
				types.set(`${name}${suffix}`, {dtype: constant.dtype, shape: constant.dims});
				return `${name}${suffix}`;
			};

			const weight = put('', stack(parts));
			const bias = biased.length > 0 ? [put('.bias', stack(siblings.map(node => graph.constants.get(node.inputs[2]!)!)))] : [];
			const joined = `${siblings[0]!.outputs[0]!}/joined`;
			const sizes = `${joined}/sizes`;
			values.set(
				sizes,
				parts.map(part => part.dims[0]!),
			);
			types.set(sizes, {dtype: 'int64', shape: [parts.length]});
			added.push({op: 'snug.Linear', name: `${siblings[0]!.name}/joined`, inputs: [x, weight, ...bias], outputs: [joined], attributes: {}});
			added.push({
				op: 'Split',
				name: `${siblings[0]!.name}/split`,
				inputs: [joined, sizes],
				outputs: siblings.map(node => node.outputs[0]!),
				attributes: {axis: -1},
			});
			for (const node of siblings) {
				gone.add(node);
			}
		}

		return gone.size === 0 ? graph : {...graph, nodes: [...graph.nodes.filter(node => !gone.has(node)), ...added], constants, values, types};
	},
};

/** In which codes the file holds a matrix: only equal ones can be stacked. */
const codesOf = ({dtype, quantized}: Constant): string => (quantized ? `${quantized.bits} bits, ${quantized.group}` : dtype);

/** Matrices on top of each other, or vectors one after another; read when asked for. */
function stack(parts: readonly Constant[]): Constant {
	const rows = parts.reduce((sum, part) => sum + part.dims[0]!, 0);
	const dims = [rows, ...parts[0]!.dims.slice(1)];
	const length = dims.reduce((a, b) => a * b, 1);
	const quantized = parts.every(part => part.quantized) ? stackCodes(parts) : undefined;
	return {
		dtype: parts[0]!.dtype,
		dims,
		...(parts.every(part => part.identity !== undefined) ? {identity: parts.map(part => part.identity).join('+')} : {}),
		...(quantized ? {quantized} : {}),
		read() {
			const data = allocate(parts[0]!.dtype, length) as Float32Array;
			let at = 0;
			for (const part of parts) {
				const piece = part.read() as Float32Array;
				data.set(piece, at);
				at += piece.length;
			}

			return data;
		},
	};
}

function stackCodes(parts: readonly Constant[]): Constant['quantized'] {
	const sources = parts.map(part => part.quantized!);
	const [{bits, group}] = sources as [NonNullable<Constant['quantized']>];
	const columns = parts[0]!.dims[1]!;
	const join = (arrays: readonly Float32Array[]): Float32Array => Float32Array.from(arrays.flatMap(array => [...array]));
	return {
		bits,
		group,
		codes(first, count) {
			const out = new Uint8Array(count * columns);
			let start = 0;
			for (const [index, source] of sources.entries()) {
				const height = parts[index]!.dims[0]!;
				const from = Math.max(first, start);
				const to = Math.min(first + count, start + height);
				if (from < to) {
					out.set(source.codes(from - start, to - from), (from - first) * columns);
				}

				start += height;
			}

			return out;
		},
		scales: () => join(sources.map(source => source.scales())),
		zeros: () => join(sources.map(source => source.zeros())),
	};
}
