/**
 * Scaled dot-product attention on [batch, sequence, heads·width], with grouped queries (arXiv 2305.13245), an optional past, causal
 * and sliding-window limits, a padding mask and an additive bias.
 *
 * Inputs: q, k, v, past_key?, past_value? [batch, kv_heads, past, width], padding? [batch, keys], bias? broadcastable to
 * [batch, heads, queries, keys]. Outputs: y, present_key?, present_value?. A query that may attend to nothing gives zeros.
 */
import {add, equal, keyOf, type Dim} from '../../graph/dim.js';
import type {ValueType} from '../../graph/graph.js';
import {zeros, type Tensor} from '../../graph/tensor.js';
import type {InferContext, Op} from '../op.js';
import {attentionAttributes} from './attention-attributes.js';
import {lowerAttention} from './attention-lower.js';

export const attention: Op = {
	name: 'snug.Attention',
	strided: [0, 1, 2],
	infer(context) {
		const {input, has, fail} = context;
		const [q, k, v] = [input(0), input(1), input(2)];
		const {heads, kv_heads: kvHeads} = attentionAttributes(context.attributes);
		for (const [name, {shape}, count] of [
			['query', q, heads],
			['key', k, kvHeads],
			['value', v, kvHeads],
		] as const) {
			if (shape.length !== 3 || typeof shape[2] !== 'number' || shape[2] % count !== 0) {
				fail(`the ${name} has the wrong shape`, {expected: `[batch, sequence, ${count} heads * width]`, found: `[${shape.map(keyOf).join(', ')}]`});
			}
		}

		const width = (k.shape[2] as number) / kvHeads;
		const valueWidth = (v.shape[2] as number) / kvHeads;
		if ((q.shape[2] as number) / heads !== width) {
			fail('query and key differ in the width of a head', {expected: `${width}`, found: `${(q.shape[2] as number) / heads}`});
		}

		const present = (past: number, each: number, source: ValueType): ValueType => {
			const length = has(past) ? add(input(past).shape[2]!, source.shape[1]!) : source.shape[1]!;
			return {dtype: q.dtype, shape: [q.shape[0]!, kvHeads, length, each]};
		};

		checkMasks(context, has(3) ? add(input(3).shape[2]!, k.shape[1]!) : k.shape[1]!);
		return [{dtype: q.dtype, shape: [q.shape[0]!, q.shape[1]!, heads * valueWidth]}, present(3, width, k), present(4, valueWidth, v)];
	},
	evaluate({input, inputs, attributes}) {
		const {heads, kv_heads: kvHeads, scale, causal, window, softcap} = attentionAttributes(attributes);
		const q = input(0);
		const [batch, queries, total] = q.dims as [number, number, number];
		const width = total / heads;
		const keys = join(input(1), inputs[3], kvHeads);
		const values = join(input(2), inputs[4], kvHeads);
		const length = keys.dims[2]!;
		const past = inputs[3]?.dims[2] ?? 0;
		const valueWidth = values.dims[3]!;
		const y = zeros('float32', [batch, queries, heads * valueWidth]);
		const padding = inputs[5];
		const biasAt = biasReader(inputs[6], [batch, heads, queries, length]);
		const [qs, ks, vs, ys] = [q, keys, values, y].map(({data}) => data as Float32Array) as [Float32Array, Float32Array, Float32Array, Float32Array];
		for (let b = 0; b < batch; b++) {
			for (let h = 0; h < heads; h++) {
				const base = (b * kvHeads + Math.floor(h / (heads / kvHeads))) * length;
				for (let i = 0; i < queries; i++) {
					const scores = new Float64Array(length).fill(-Infinity);
					for (let t = 0; t < length; t++) {
						const hidden = (causal && t > past + i) || (window > 0 && t <= past + i - window) || (padding && !Number(padding.data[b * length + t]));
						if (!hidden) {
							let dot = 0;
							for (let c = 0; c < width; c++) {
								dot += qs[(b * queries + i) * total + h * width + c]! * ks[(base + t) * width + c]!;
							}

							const score = dot * scale;
							scores[t] = (softcap ? softcap * Math.tanh(score / softcap) : score) + biasAt(b, h, i, t);
						}
					}

					const top = scores.reduce((a, s) => Math.max(a, s), -Infinity);
					const weights = top === -Infinity ? scores.fill(0) : scores.map(s => Math.exp(s - top));
					const sum = weights.reduce((a, w) => a + w, 0) || 1;
					for (let c = 0; c < valueWidth; c++) {
						let out = 0;
						for (let t = 0; t < length; t++) {
							out += weights[t]! * vs[(base + t) * valueWidth + c]!;
						}

						ys[(b * queries + i) * heads * valueWidth + h * valueWidth + c] = out / sum;
					}
				}
			}
		}

		return [y, keys, values];
	},
	lower: lowerAttention,
};

function checkMasks({input, has, fail, attributes}: InferContext, length: Dim): void {
	const q = input(0);
	if (has(5)) {
		const {shape} = input(5);
		if (shape.length !== 2 || !equal(shape[0]!, q.shape[0]!) || !equal(shape[1]!, length)) {
			fail('the padding mask has the wrong shape', {expected: `[${keyOf(q.shape[0]!)}, ${keyOf(length)}]`, found: `[${shape.map(keyOf).join(', ')}]`});
		}
	}

	if (has(6)) {
		const {shape} = input(6);
		const full = [q.shape[0]!, attributes['heads'] as number, q.shape[1]!, length];
		if (shape.length !== 4 || shape.some((dim, axis) => dim !== 1 && !equal(dim, full[axis]!))) {
			fail('the bias has the wrong shape', {expected: `[${full.map(keyOf).join(', ')}], or 1 in its place`, found: `[${shape.map(keyOf).join(', ')}]`});
		}
	}
}

/** past [batch, heads, past, width] and new rows [batch, sequence, heads·width] as one [batch, heads, past + sequence, width]. */
function join(source: Tensor, past: Tensor | undefined, heads: number): Tensor {
	const [batch, count, total] = source.dims as [number, number, number];
	const width = total / heads;
	const before = past?.dims[2] ?? 0;
	const joined = zeros('float32', [batch, heads, before + count, width]);
	const data = joined.data as Float32Array;
	for (let b = 0; b < batch; b++) {
		for (let h = 0; h < heads; h++) {
			const at = (b * heads + h) * (before + count) * width;
			if (past) {
				const from = (b * heads + h) * before * width;
				data.set((past.data as Float32Array).subarray(from, from + before * width), at);
			}

			for (let t = 0; t < count; t++) {
				const from = (b * count + t) * total + h * width;
				data.set((source.data as Float32Array).subarray(from, from + width), at + (before + t) * width);
			}
		}
	}

	return joined;
}

function biasReader(bias: Tensor | undefined, full: readonly number[]): (...index: number[]) => number {
	if (!bias) {
		return () => 0;
	}

	const strides = full.map((_, axis) => (bias.dims[axis] === 1 ? 0 : bias.dims.slice(axis + 1).reduce((a, b) => a * b, 1)));
	return (...index) => Number(bias.data[index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)]);
}
