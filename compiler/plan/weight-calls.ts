/** The calls of kernels that use an encoded weight: product with one vector, with many, and look-up of rows. */
import {multiply, type Dim} from '../graph/dim.js';
import type {Node} from '../graph/graph.js';
import {failer} from '../ops/context.js';
import {formBytes, type InputForm, type Kernels} from '../codecs/codec.js';
import {codecOf, type Encoding} from './encoding.js';
import type {LowerContext, Operand} from './lower-context.js';
import type {EmitCall} from './places.js';
import type {Argument} from './program.js';

type Use = {readonly parts: Argument; readonly kernels: Kernels; readonly rows: number; readonly columns: number};

function findUse(node: Node, index: number, encoding: Encoding): Use {
	const value = node.inputs[index]!;
	const weight = encoding.get(value);
	if (!weight) {
		return failer(node, 'cannot-lower')(`'${value}' is used as a weight but is not encoded`);
	}

	const {name, rows, columns} = weight;
	return {parts: {kind: 'parts', weight: name, term: 0}, kernels: codecOf(weight), rows, columns};
}

export type WeightCalls = (node: Node, scratches: Pick<LowerContext, 'scratch' | 'threadScratch'>) => Pick<LowerContext, 'multiply' | 'gatherRows'>;

/** @param addActivation Reserves a buffer under a name of its own. */
export function createWeightCalls(encoding: Encoding, emit: EmitCall, addActivation: (name: string, bytes: Dim) => Operand): WeightCalls {
	const prepared = new Map<string, Operand>();

	/** The input vectors in the form that a kernel wants, made once for all weights that read them. */
	const prepare = (node: Node, x: Operand, form: InputForm, tokens: Dim, columns: number): Operand => {
		if (!form.kernel) {
			return x;
		}

		const key = ['form', form.id, x.buffer, ...[x.offset, tokens].map(dim => (typeof dim === 'number' ? dim : dim.key)), columns].join(':');
		const found = prepared.get(key);
		if (found) {
			return found;
		}

		const place = addActivation(key, formBytes(form, tokens, columns));
		prepared.set(key, place);
		emit(node, form.kernel, {out: place, x, tokens, columns});
		return place;
	};

	return (node, {scratch, threadScratch}) => ({
		multiply(index, y, x, tokens, bias) {
			const use = findUse(node, index, encoding);
			const {parts, rows, columns} = use;
			const {matvec, tile} = use.kernels;
			if (tokens === 1) {
				emit(node, matvec.kernel, {
					y,
					x: prepare(node, x, use.kernels.form, 1, columns),
					parts,
					...(matvec.scratch && {scratch: threadScratch(matvec.scratch({rows, columns}))}),
					rows,
					columns,
					...matvec.numbers,
				});
				if (bias) {
					emit(node, 'add_bias_f32', {y, bias, rows: 1, columns: rows});
				}
			} else {
				emit(node, tile.kernel, {
					y,
					x: prepare(node, x, tile.form, tokens, columns),
					parts,
					bias: bias ?? 0,
					scratch: threadScratch(tile.scratch({rows, columns})),
					tokens,
					rows,
					columns,
					...tile.numbers,
				});
			}
		},
		gatherRows(index, y, ids, count) {
			const {parts, rows, columns, kernels} = findUse(node, index, encoding);
			let wide = ids;
			if (ids.dtype === 'int32') {
				wide = scratch(multiply(count, 8));
				emit(node, 'widen_i32', {y: wide, x: ids, count});
			}

			emit(node, kernels.row.kernel, {y, ids: wide, parts, count, rows, columns, ...kernels.row.numbers});
		},
	});
}
