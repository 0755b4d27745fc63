/**
 * Attention as exporters write it, softmax(scale·Q Kᵀ + mask) V on [batch, heads, sequence, width], becomes one op. Keys and values
 * repeated for grouped queries are followed back to their few heads, a past joined in front to the state, and masks to what they
 * mean: causal, sliding window, padding. A mask that means something else is passed on as an additive bias.
 */
import {add, equal, isNumber, multiply, type Dim} from '../graph/dim.js';
import type {Node} from '../graph/graph.js';
import {readMask, type Mask} from './attention-mask.js';
import type {Pass} from './pass.js';
import {rewrite, sameShape, type Build, type Rule, type View} from './rewrite.js';

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

/** Keys or values: the new rows as a value [batch, heads, length, width] (`rows`: [batch, length, heads, width]), and the past that is joined in front. */
type Source = {readonly value: string; readonly rows: boolean; readonly shape: readonly Dim[]; readonly past: string; readonly joined: Node | undefined};

function sourceOf(view: View, value: string): Source {
	const source = repeatedHeads(view, value) ?? value;
	const concat = view.producer(source, 'Concat');
	const axis = concat?.attributes['axis'];
	if (concat?.inputs.length === 2 && (axis === 2 || axis === -2)) {
		const [past, fresh] = concat.inputs as [string, string];
		return {value: fresh, rows: false, shape: view.type(fresh).shape, past, joined: concat};
	}

	return {value: source, rows: false, shape: view.type(source).shape, past: '', joined: undefined};
}

/** Reshape(Expand(Unsqueeze(x, 2))): x, each of its heads used by several queries in a row. */
function repeatedHeads(view: View, value: string): string | undefined {
	const reshape = view.producer(value, 'Reshape');
	const expand = reshape && view.producer(reshape.inputs[0]!, 'Expand');
	const unsqueeze = expand && view.producer(expand.inputs[0]!, 'Unsqueeze', 'Reshape');
	const source = unsqueeze?.inputs[0];
	if (source === undefined) {
		return undefined;
	}

	const same = (found: string, wanted: readonly Dim[]): boolean => sameShape(view.type(found), {dtype: 'float32', shape: wanted});
	const [from, wide] = [view.type(source).shape, view.type(expand!.outputs[0]!).shape];
	const [batch, heads, length, width] = from as [Dim, Dim, Dim, Dim];
	const times = wide[2]!;
	const fits =
		from.length === 4 &&
		wide.length === 5 &&
		same(expand!.inputs[0]!, [batch, heads, 1, length, width]) &&
		same(expand!.outputs[0]!, [batch, heads, times, length, width]) &&
		same(value, [batch, multiply(heads, times), length, width]);
	return fits ? source : undefined;
}

/** The keys whose transpose is `value`, scaled before or after. */
function keysOf(view: View, value: string): (Source & {readonly scale: number}) | undefined {
	const outer = unscale(view, value);
	const node = view.producer(outer.value, 'Transpose');
	const perm = (node?.attributes['perm'] as readonly number[] | undefined)?.join();
	if (!node || (perm !== '0,1,3,2' && perm !== '0,2,3,1')) {
		return undefined;
	}

	const inner = unscale(view, node.inputs[0]!);
	const scale = outer.scale * inner.scale;
	if (perm === '0,1,3,2') {
		return {...sourceOf(view, inner.value), scale};
	}

	const [batch, length, heads, width] = view.type(inner.value).shape as [Dim, Dim, Dim, Dim];
	return {value: inner.value, rows: true, shape: [batch, heads, length, width], past: '', joined: undefined, scale};
}

function flatten(build: Build, {value, rows, shape}: Pick<Source, 'value' | 'rows' | 'shape'>): string {
	const [batch, heads, length, width] = shape as [Dim, Dim, Dim, Dim];
	const turned = rows ? value : build.node('Transpose', [value], {perm: [0, 2, 1, 3]});
	return build.node('Reshape', [turned, build.integers(`${value}/flat`, [batch, length, multiply(heads, width)])], {allowzero: 1});
}

type Sizes = {
	readonly batch: Dim;
	readonly heads: number;
	readonly kvHeads: number;
	readonly queries: Dim;
	readonly width: number;
	readonly valueWidth: number;
	readonly past: Dim;
	readonly fresh: Dim;
	readonly length: Dim;
};

/** The sizes, where all shapes agree: the op broadcasts neither batches nor, but for grouped queries, heads. */
function sizesOf(view: View, node: Node, q: string, keys: Source, values: Source, product: Node): Sizes | undefined {
	const shapeOf = (value: string): readonly Dim[] => view.type(value).shape;
	const [batch, heads, queries, width] = shapeOf(q) as [Dim, Dim, Dim, Dim];
	const [, kvHeads, fresh, valueWidth] = values.shape as [Dim, Dim, Dim, Dim];
	const past = values.past === '' ? 0 : shapeOf(values.past)[2]!;
	if ([heads, kvHeads, width, valueWidth].some(dim => !isNumber(dim)) || (heads as number) % (kvHeads as number) !== 0) {
		return undefined;
	}

	const length = add(past, fresh);
	const wanted: ReadonlyArray<readonly [readonly Dim[], readonly Dim[]]> = [
		[shapeOf(product.outputs[0]!), [batch, heads, queries, length]],
		[shapeOf(node.inputs[0]!), [batch, heads, queries, length]],
		[shapeOf(node.outputs[0]!), [batch, heads, queries, valueWidth]],
		[keys.shape, [batch, kvHeads, fresh, width]],
		[values.shape, [batch, kvHeads, fresh, valueWidth]],
		...(keys.past === '' ? [] : [[shapeOf(keys.past), [batch, kvHeads, past, width]] as const]),
		...(values.past === '' ? [] : [[shapeOf(values.past), [batch, kvHeads, past, valueWidth]] as const]),
	];
	const agree = wanted.every(([found, shape]) => found.length === shape.length && found.every((dim, axis) => equal(dim, shape[axis]!)));
	return agree && (keys.past === '') === (values.past === '')
		? {batch, heads: heads as number, kvHeads: kvHeads as number, queries, width: width as number, valueWidth: valueWidth as number, past, fresh, length}
		: undefined;
}

/** @param claimed The joins of pasts that an attention makes already: a second one that reads them joins for itself. */
const attention = (claimed: Set<Node>): Rule => ({
	name: 'attention',
	ops: ['MatMul'],
	apply(node, view, build) {
		const softmax = softmaxBehind(view, node.inputs[0]!);
		const scores = softmax && scoresBehind(view, softmax.inputs[0]!);
		const keys = scores && keysOf(view, scores.product.inputs[1]!);
		if (!keys || view.type(node.outputs[0]!).dtype !== 'float32') {
			return false;
		}

		const q = unscale(view, scores.product.inputs[0]!);
		const values = sourceOf(view, node.inputs[1]!);
		const sizes = sizesOf(view, node, q.value, keys, values, scores.product);
		const mask = sizes && readMask(view, build, scores.masks, sizes);
		if (!mask) {
			return false;
		}

		const {batch, heads, kvHeads, queries, valueWidth} = sizes;
		const joins = new Set([keys.joined, values.joined].filter(joined => joined !== undefined && !claimed.has(joined)));
		const present = (joined: Node | undefined, other?: Node): string => (joined && joins.has(joined) && joined !== other ? joined.outputs[0]! : '');
		const inputs = [flatten(build, {value: q.value, rows: false, shape: view.type(q.value).shape}), flatten(build, keys), flatten(build, values)];
		const outputs = [build.name(`${node.name}/attention`), present(keys.joined), present(values.joined, keys.joined)];
		build.node(
			'snug.Attention',
			[...inputs, keys.past, values.past, mask.padding, mask.bias],
			{
				heads,
				kv_heads: kvHeads,
				scale: scores.scale * q.scale * keys.scale,
				causal: mask.causal ? 1 : 0,
				window: mask.window,
				softcap: scores.softcap,
			},
			outputs,
		);
		const split = build.node('Reshape', [outputs[0]!, build.integers(`${node.name}/heads`, [batch, queries, heads, valueWidth])], {allowzero: 1});
		build.node('Transpose', [split], {perm: [0, 2, 1, 3]}, node.outputs);
		const replaces = [...joins].filter(joined => joined !== undefined);
		for (const joined of replaces) {
			claimed.add(joined);
		}

		return {replaces};
	},
});

export const fuseAttention: Pass = {
	name: 'fuse-attention',
	description: 'attention with its masks, grouped queries and cache becomes one op',
	run: typed => rewrite(typed, [attention(new Set())]),
};
