/**
 * What a mask means: the element of a tensor as an expression of its indices. Follows integer and boolean ops back to ranges,
 * constants and the graph's inputs, so that every way in which exporters build a causal or padding mask reads the same.
 */
import {add, equal, isNumber, lessOrEqual, multiply, negate, subtract, type Dim} from '../graph/dim.js';
import {isFloat} from '../graph/dtype.js';
import {boundsOf, type Node} from '../graph/graph.js';
import {sizeOf, type Constant} from '../graph/tensor.js';
import {atMost, integer, isTruth, isZero, not, numberOf, type Element, type Index} from './mask-element.js';
import type {View} from './rewrite.js';

/** The element of `value` at `index`, or undefined when it depends on something that is not followed. */
export function elementAt(view: View, value: string, index: Index, depth = 64): Element | undefined {
	const known = view.known(value);
	const type = view.type(value);
	const constant = view.constant(value);
	const found = (constant && constantAt(constant, index)) ?? (known && knownAt(known, type.shape, index));
	if (found || known || constant) {
		return found;
	}

	if (view.graph.inputs.includes(value)) {
		return {kind: 'input', name: value, index, truth: type.dtype === 'bool' || /mask/i.test(value)};
	}

	const node = view.producer(value);
	const rule = node && depth > 0 ? rules[node.op] : undefined;
	return rule?.({node: node!, view, index, at: (input, where) => elementAt(view, node!.inputs[input]!, where, depth - 1)});
}

function knownAt(known: readonly Dim[], shape: readonly Dim[], index: Index): Element | undefined {
	if (known.every(element => equal(element, known[0]!)) && known.length > 0) {
		return integer(known[0]!);
	}

	let flat: Dim = 0;
	for (const [axis, i] of index.entries()) {
		flat = add(multiply(flat, shape[axis]!), i);
	}

	if (isNumber(flat)) {
		const element = known[flat];
		return element === undefined ? undefined : integer(element);
	}

	return shape.filter(dim => dim !== 1).length === 1 ? progression(known, index) : undefined;
}

/** Arithmetic sequences along the one axis that is not 1, such as a constant arange. */
function progression(values: readonly Dim[], index: Index): Element | undefined {
	const step = values.length > 1 ? subtract(values[1]!, values[0]!) : 0;
	const variable = index.filter(i => !isNumber(i));
	return variable.length === 1 && values.every((value, at) => equal(value, add(values[0]!, multiply(at, step))))
		? integer(add(values[0]!, multiply(step, variable[0]!)))
		: undefined;
}

function constantAt({dtype, dims, read}: Constant, index: Index): Element | undefined {
	// Half floats are bit patterns here.
	if (dtype === 'float16' || dtype === 'bfloat16' || sizeOf(dims) > 1 << 22) {
		return undefined;
	}

	const data = read() as ArrayLike<number | bigint>;
	const first = Number(data[0] ?? 0);
	const float = dtype.startsWith('float');
	const element = (value: number): Element => (float ? {kind: 'float', value} : integer(value));
	return Array.prototype.every.call(data, value => Number(value) === first) ? element(first) : triangle(data, dims, index, element);
}

/** A square constant that is one value on and below a diagonal and another above it: the causal mask that older exporters store. */
function triangle(data: ArrayLike<number | bigint>, dims: readonly number[], index: Index, element: (value: number) => Element): Element | undefined {
	const [rows, columns] = [dims.at(-2) ?? 0, dims.at(-1) ?? 0];
	if (rows * columns !== sizeOf(dims) || rows !== columns || rows < 2) {
		return undefined;
	}

	const [below, above] = [Number(data[0]), Number(data[1])];
	for (let r = 0; r < rows; r++) {
		for (let c = 0; c < columns; c++) {
			if (Number(data[r * columns + c]) !== (c <= r ? below : above)) {
				return undefined;
			}
		}
	}

	return {kind: 'select', condition: {kind: 'atMost', left: index.at(-1)!, right: index.at(-2)!}, yes: element(below), no: element(above)};
}

type Site = {readonly node: Node; readonly view: View; readonly index: Index; at(input: number, index: Index): Element | undefined};

/** The index into an operand that is broadcast to the node's output. */
function broadcastIndex({node, view, index}: Site, input: number): Index {
	const shape = view.type(node.inputs[input]!).shape;
	const offset = index.length - shape.length;
	return shape.map((dim, axis) => (dim === 1 ? 0 : index[axis + offset]!));
}

const operand = (site: Site, input: number): Element | undefined => site.at(input, broadcastIndex(site, input));

function arithmetic(combine: (a: Dim, b: Dim) => Dim, otherwise: (a: Element, b: Element) => Element | undefined) {
	return (site: Site): Element | undefined => {
		const [a, b] = [operand(site, 0), operand(site, 1)];
		if (!a || !b) {
			return undefined;
		}

		if (a.kind === 'integer' && b.kind === 'integer') {
			return integer(combine(a.value, b.value));
		}

		const [left, right] = [numberOf(a), numberOf(b)];
		return left !== undefined && right !== undefined ? {kind: 'float', value: combine(left, right) as number} : otherwise(a, b);
	};
}

const scaled = (of: Element, by: number): Element => (of.kind === 'scaled' ? {kind: 'scaled', of: of.of, by: by * of.by} : {kind: 'scaled', of, by});

/** mask × minimum, and a mask that a condition switches off. */
function times(a: Element, b: Element): Element | undefined {
	const [left, right] = [numberOf(a), numberOf(b)];
	if (left !== undefined || right !== undefined) {
		return scaled(right === undefined ? b : a, (right ?? left)!);
	}

	const condition = isTruth(a) ? a : isTruth(b) ? b : undefined;
	return condition && {kind: 'select', condition, yes: condition === a ? b : a, no: {kind: 'float', value: 0}};
}

/** 1 − mask is how float masks are inverted; mask − 1 is the same, less than 0. */
function minus(a: Element, b: Element): Element | undefined {
	if (numberOf(a) === 1 && isTruth(b)) {
		return {kind: 'complement', of: b};
	}

	return numberOf(b) === 1 && isTruth(a) ? scaled({kind: 'complement', of: a}, -1) : undefined;
}

function comparison(build: (a: Dim, b: Dim) => Element, onNumber?: (element: Element, value: number) => Element | undefined) {
	return (site: Site): Element | undefined => {
		const [a, b] = [operand(site, 0), operand(site, 1)];
		if (a?.kind === 'integer' && b?.kind === 'integer') {
			return build(a.value, b.value);
		}

		const value = numberOf(b);
		return a && value !== undefined ? onNumber?.(a, value) : undefined;
	};
}

const pair =
	(kind: 'and' | 'or') =>
	(site: Site): Element | undefined => {
		const [left, right] = [operand(site, 0), operand(site, 1)];
		return left && right ? {kind, left, right} : undefined;
	};

const through = (site: Site): Element | undefined => operand(site, 0);

/** Axes of size 1 come and go; the others keep their order. Any other reshape is not followed. */
function reshaped({node, view, index, at}: Site): Element | undefined {
	const from = view.type(node.inputs[0]!).shape;
	const to = view.type(node.outputs[0]!).shape;
	const kept = to.map((dim, axis) => ({dim, axis})).filter(({dim}) => dim !== 1);
	const source = from.map((dim, axis) => ({dim, axis})).filter(({dim}) => dim !== 1);
	if (kept.length !== source.length || kept.some(({dim}, i) => !equal(dim, source[i]!.dim))) {
		return undefined;
	}

	const where: Dim[] = from.map(() => 0);
	for (const [i, {axis}] of source.entries()) {
		where[axis] = index[kept[i]!.axis]!;
	}

	return at(0, where);
}

function gathered({node, view, index, at}: Site): Element | undefined {
	const data = view.type(node.inputs[0]!).shape.length;
	const ids = view.type(node.inputs[1]!).shape.length;
	const axis = ((node.attributes['axis'] as number | undefined) ?? 0) + (((node.attributes['axis'] as number | undefined) ?? 0) < 0 ? data : 0);
	const id = position(view, at(1, index.slice(axis, axis + ids)), view.type(node.inputs[0]!).shape[axis]!);
	return id === undefined ? undefined : at(0, [...index.slice(0, axis), id, ...index.slice(axis + ids)]);
}

function gatheredNd({node, view, index, at}: Site): Element | undefined {
	const indices = view.type(node.inputs[1]!).shape;
	const count = indices.at(-1);
	if ((node.attributes['batch_dims'] ?? 0) !== 0 || typeof count !== 'number') {
		return undefined;
	}

	const {shape} = view.type(node.inputs[0]!);
	const ids = Array.from({length: count}, (_, i) => position(view, at(1, [...index.slice(0, indices.length - 1), i]), shape[i]!));
	return ids.every(id => id !== undefined) ? at(0, [...ids, ...index.slice(indices.length - 1)]) : undefined;
}

/** An index counted from the front; undefined where its sign is not known. */
function position(view: View, id: Element | undefined, size: Dim): Dim | undefined {
	if (id?.kind !== 'integer') {
		return undefined;
	}

	const front = lessOrEqual(0, id.value, boundsOf(view.graph));
	return front ? id.value : front === false ? add(id.value, size) : undefined;
}

function concatenated({node, view, index, at}: Site): Element | undefined {
	const rank = index.length;
	const axis = ((node.attributes['axis'] as number) + rank) % rank;
	let start = 0;
	for (const [input, name] of node.inputs.entries()) {
		const size = view.type(name).shape[axis]!;
		const i = index[axis]!;
		if (!isNumber(size) || !isNumber(i)) {
			return undefined;
		}

		if (i < start + size) {
			return at(
				input,
				index.map((at, j) => (j === axis ? i - start : at)),
			);
		}

		start += size;
	}

	return undefined;
}

function sliced({node, view, index, at}: Site): Element | undefined {
	const rank = index.length;
	const starts = view.known(node.inputs[1]!);
	const axes = node.inputs[3] ? view.known(node.inputs[3]) : starts?.map((_, i) => i);
	const steps = node.inputs[4] ? view.known(node.inputs[4]) : starts?.map(() => 1);
	if (
		!starts ||
		!axes ||
		!steps ||
		starts.some(start => lessOrEqual(0, start, boundsOf(view.graph)) !== true) ||
		steps.some(step => !isNumber(step) || step < 1)
	) {
		return undefined;
	}

	const where = [...index];
	for (const [i, axis] of axes.entries()) {
		const a = ((axis as number) + rank) % rank;
		where[a] = add(starts[i]!, multiply(steps[i]!, index[a]!));
	}

	return at(0, where);
}

function triangular({node, view, index, at}: Site): Element | undefined {
	const upper = (node.attributes['upper'] ?? 1) === 1;
	const k = node.inputs[1] ? view.known(node.inputs[1])?.[0] : 0;
	const inner = at(0, index);
	if (k === undefined || !inner) {
		return undefined;
	}

	const [row, column] = [index.at(-2)!, index.at(-1)!];
	const condition = upper ? atMost(add(row, k), column) : atMost(column, add(row, k));
	const zero: Element = view.type(node.inputs[0]!).dtype.startsWith('float') ? {kind: 'float', value: 0} : integer(0);
	return {kind: 'select', condition, yes: inner, no: zero};
}

const rules: Readonly<Record<string, (site: Site) => Element | undefined>> = {
	Add: arithmetic(add, (left, right) => ({kind: 'sum', left, right})),
	Sub: arithmetic(subtract, minus),
	Mul: arithmetic(multiply, times),
	Neg(site) {
		const a = operand(site, 0);
		return a?.kind === 'integer' ? integer(negate(a.value)) : undefined;
	},
	LessOrEqual: comparison((a, b) => atMost(a, b)),
	Less: comparison((a, b) => atMost(add(a, 1), b)),
	GreaterOrEqual: comparison((a, b) => atMost(b, a)),
	Greater: comparison(
		(a, b) => atMost(add(b, 1), a),
		(element, value) => (value === 0 && isTruth(element) ? element : undefined),
	),
	Equal: comparison(
		(a, b) => (equal(a, b) ? integer(1) : {kind: 'and', left: atMost(a, b), right: atMost(b, a)}),
		(element, value) => (value === 0 ? isZero(element) : value === 1 && isTruth(element) ? element : undefined),
	),
	And: pair('and'),
	Or: pair('or'),
	Not(site) {
		const a = operand(site, 0);
		return a && not(a);
	},
	Where(site) {
		const [condition, yes, no] = [operand(site, 0), operand(site, 1), operand(site, 2)];
		return condition && yes && no ? {kind: 'select', condition, yes, no} : undefined;
	},
	Cast({node, view, ...site}) {
		const a = operand({node, view, ...site}, 0);
		const [from, to] = [view.type(node.inputs[0]!).dtype, view.type(node.outputs[0]!).dtype];
		if (!a || isTruth(a)) {
			return a;
		}

		if (to === 'bool') {
			const zero = isZero(a);
			return zero && not(zero);
		}

		// Fractions are cut off.
		return isFloat(from) && !isFloat(to) ? undefined : a;
	},
	Identity: through,
	Expand: through,
	Reshape: reshaped,
	Unsqueeze: reshaped,
	Squeeze: reshaped,
	Flatten: reshaped,
	Transpose({node, index, at}) {
		const perm = (node.attributes['perm'] as readonly number[] | undefined) ?? index.map((_, axis) => index.length - 1 - axis);
		const where: Dim[] = [];
		for (const [to, from] of perm.entries()) {
			where[from] = index[to]!;
		}

		return at(0, where);
	},
	Range(site) {
		const [start, step] = [site.at(0, []), site.at(2, [])];
		return start?.kind === 'integer' && step?.kind === 'integer' ? integer(add(start.value, multiply(step.value, site.index[0]!))) : undefined;
	},
	ConstantOfShape({node}) {
		const value = node.attributes['value'];
		return typeof value === 'object' && 'read' in value ? constantAt(value, [0]) : {kind: 'float', value: 0};
	},
	Gather: gathered,
	GatherND: gatheredNd,
	Concat: concatenated,
	Slice: sliced,
	Trilu: triangular,
};
