/**
 * Attention as exporters write it, softmax(scale·Q Kᵀ + mask) V on [batch, heads, sequence, width], becomes one op. Keys and values
 * repeated for grouped queries are followed back to their few heads, a past joined in front to the state, and masks to what they
 * mean: causal, sliding window, padding. A mask that means something else is passed on as an additive bias.
 */
import {add, equal, isNumber, multiply, type Dim} from '../graph/dim.js';
import type {Node} from '../graph/graph.js';
import {readMask, type Mask} from './attention-mask.js';
import type {Pass} from './pass.js';
import {rewrite, type Build, type Rule, type View} from './rewrite.js';

/** A value as scale × another, through products with scalars, quotients and casts. */
function unscale(view: View, value: string): {value: string; scale: number} {
	let scale = 1;
	let at = value;
	for (;;) {
		const node = view.producer(at, 'Mul', 'Div');
		const factor = node && view.scalar(node.inputs[1]!);
		if (node?.op === 'Div' && factor !== undefined) {
			scale /= factor;
			at = node.inputs[0]!;
		} else if (node?.op === 'Mul' && factor !== undefined) {
			scale *= factor;
			at = node.inputs[0]!;
		} else if (node?.op === 'Mul' && view.scalar(node.inputs[0]!) !== undefined) {
			scale *= view.scalar(node.inputs[0]!)!;
			at = node.inputs[1]!;
		} else {
			return {value: at, scale};
		}
	}
}

/** The softmax behind probabilities, past the guard that turns the NaN of fully hidden rows into zeros. */
function softmaxBehind(view: View, value: string): Node | undefined {
	let at = value;
	const guard = view.producer(at, 'Where');
	if (guard) {
		const nan = view.producer(guard.inputs[0]!, 'IsNaN');
		if (!nan || nan.inputs[0] !== guard.inputs[2] || view.scalar(guard.inputs[1]!) !== 0) {
			return undefined;
		}

		at = guard.inputs[2]!;
	}

	const node = view.producer(at, 'Softmax');
	const axis = node?.attributes['axis'] ?? -1;
	return node && (axis === -1 || axis === view.type(at).shape.length - 1) ? node : undefined;
}

type Scores = {readonly product: Node; readonly scale: number; readonly softcap: number; readonly masks: readonly Mask[]};

/** scale·Q Kᵀ behind additive masks, masked fills and a soft cap. */
function scoresBehind(view: View, value: string): Scores | undefined {
	const masks: Mask[] = [];
	let at = value;
	for (;;) {
		const node = view.producer(at, 'Add', 'Where');
		if (node?.op === 'Add') {
			const side = [0, 1].find(index => leadsToProduct(view, node.inputs[index]!));
			if (side === undefined) {
				return undefined;
			}

			masks.push({kind: 'added', value: node.inputs[1 - side]!});
			at = node.inputs[side]!;
		} else if (node?.op === 'Where') {
			const side = [1, 2].find(index => leadsToProduct(view, node.inputs[index]!));
			const hidden = side === undefined ? undefined : view.scalar(node.inputs[3 - side]!);
			if (side === undefined || hidden === undefined || hidden > -1e4) {
				return undefined;
			}

			masks.push({kind: side === 1 ? 'kept' : 'hidden', value: node.inputs[0]!});
			at = node.inputs[side]!;
		} else {
			break;
		}
	}

	const outer = unscale(view, at);
	const tanh = view.producer(outer.value, 'Tanh');
	const inner = tanh ? unscale(view, tanh.inputs[0]!) : outer;
	const product = view.producer(inner.value, 'MatMul');
	return product && {product, scale: tanh ? inner.scale * outer.scale : inner.scale, softcap: tanh ? outer.scale : 0, masks};
}

function leadsToProduct(view: View, value: string, depth = 6): boolean {
	const node = depth > 0 ? view.producer(value, 'MatMul', 'Add', 'Where', 'Mul', 'Div', 'Tanh') : undefined;
	return node !== undefined && (node.op === 'MatMul' || node.inputs.some(input => leadsToProduct(view, input, depth - 1)));
}

/** Keys or values [batch, heads, length, width]: how many heads there really are, the past in front, and the new rows. */
type Source = {readonly value: string; readonly past: string; readonly joined: Node | undefined; readonly heads: number};

function sourceOf(view: View, value: string): Source | undefined {
	const repeated = repeatedHeads(view, value) ?? value;
	const heads = view.type(repeated).shape[1]!;
	if (!isNumber(heads)) {
		return undefined;
	}

	const concat = view.producer(repeated, 'Concat');
	const axis = concat?.attributes['axis'];
	if (concat?.inputs.length === 2 && (axis === 2 || axis === -2)) {
		return {value: concat.inputs[1]!, past: concat.inputs[0]!, joined: concat, heads};
	}

	return {value: repeated, past: '', joined: undefined, heads};
}

/** Reshape(Expand(Unsqueeze(x, 2))): x, each of its heads used by several queries. */
function repeatedHeads(view: View, value: string): string | undefined {
	const reshape = view.producer(value, 'Reshape');
	const expand = reshape && view.producer(reshape.inputs[0]!, 'Expand');
	const unsqueeze = expand && view.producer(expand.inputs[0]!, 'Unsqueeze', 'Reshape');
	const source = unsqueeze?.inputs[0];
	if (source === undefined) {
		return undefined;
	}

	const from = view.type(source).shape;
	const wide = view.type(expand!.outputs[0]!).shape;
	const to = view.type(value).shape;
	const fits =
		from.length === 4 &&
		wide.length === 5 &&
		to.length === 4 &&
		equal(wide[1]!, from[1]!) &&
		equal(wide[3]!, from[2]!) &&
		equal(wide[4]!, from[3]!) &&
		equal(to[1]!, multiply(wide[1]!, wide[2]!));
	return fits ? source : undefined;
}

/** The keys whose transpose is `value`, [batch, heads, length, width], built where the exporter transposed in one step. */
function untransposed(view: View, build: Build, value: string): {value: string; scale: number} | undefined {
	const {value: inner, scale} = unscale(view, value);
	const node = view.producer(inner, 'Transpose');
	const perm = (node?.attributes['perm'] as readonly number[] | undefined)?.join();
	if (node && perm === '0,1,3,2') {
		const again = unscale(view, node.inputs[0]!);
		return {value: again.value, scale: scale * again.scale};
	}

	return node && perm === '0,2,3,1' ? {value: build.node('Transpose', [node.inputs[0]!], {perm: [0, 2, 1, 3]}), scale} : undefined;
}

function flatten(view: View, build: Build, value: string, dims: readonly Dim[]): string {
	const [batch, heads, length, width] = dims as [Dim, Dim, Dim, Dim];
	const rows = build.node('Transpose', [value], {perm: [0, 2, 1, 3]});
	return build.node('Reshape', [rows, build.integers(`${value}/flat`, [batch, length, multiply(heads, width)])]);
}

const attention: Rule = {
	name: 'attention',
	ops: ['MatMul'],
	apply(node, view, build) {
		const softmax = softmaxBehind(view, node.inputs[0]!);
		const scores = softmax && scoresBehind(view, softmax.inputs[0]!);
		if (!scores || view.type(node.outputs[0]!).shape.length !== 4 || view.type(node.outputs[0]!).dtype !== 'float32') {
			return false;
		}

		const q = unscale(view, scores.product.inputs[0]!);
		const transposedKeys = untransposed(view, build, scores.product.inputs[1]!);
		const keys = transposedKeys && (view.graph.types.has(transposedKeys.value) ? sourceOf(view, transposedKeys.value) : undefined);
		const built = transposedKeys && !view.graph.types.has(transposedKeys.value);
		const values = sourceOf(view, node.inputs[1]!);
		const [batch, heads, queries, width] = view.type(q.value).shape as [Dim, Dim, Dim, Dim];
		const length = view.type(node.inputs[0]!).shape.at(-1)!;
		if (!transposedKeys || !values || !isNumber(heads) || !isNumber(width) || (!keys && !built)) {
			return false;
		}

		const kvHeads = keys?.heads ?? heads;
		const past = values.past === '' ? 0 : view.type(values.past).shape[2]!;
		const fresh = values.past === '' ? length : view.type(values.value).shape[2]!;
		if (values.heads !== kvHeads || (keys?.past === '') !== (values.past === '') || !equal(length, add(past, fresh))) {
			return false;
		}

		const mask = readMask(view, build, scores.masks, {batch, past, length});
		if (!mask) {
			return false;
		}

		const valueWidth = view.type(values.value).shape[3]!;
		const k = flatten(view, build, keys?.value ?? transposedKeys.value, [batch, kvHeads, fresh, width]);
		const inputs = [flatten(view, build, q.value, [batch, heads, queries, width]), k, flatten(view, build, values.value, [batch, kvHeads, fresh, valueWidth])];
		const outputs = [build.name(`${node.name}/attention`), keys?.joined?.outputs[0] ?? '', values.joined?.outputs[0] ?? ''];
		build.node(
			'snug.Attention',
			[...inputs, keys?.past ?? '', values.past, mask.padding, mask.bias],
			{
				heads,
				kv_heads: kvHeads,
				scale: scores.scale * q.scale * transposedKeys.scale,
				causal: mask.causal ? 1 : 0,
				window: mask.window,
				softcap: scores.softcap,
			},
			outputs,
		);
		const split = build.node('Reshape', [outputs[0]!, build.integers(`${node.name}/heads`, [batch, queries, heads, valueWidth])]);
		build.node('Transpose', [split], {perm: [0, 2, 1, 3]}, node.outputs);
		return {replaces: [keys?.joined, values.joined].filter(joined => joined !== undefined)};
	},
};

export const fuseAttention: Pass = {
	name: 'fuse-attention',
	description: 'attention with its masks, grouped queries and cache becomes one op',
	run: typed => rewrite(typed, [attention]),
};
