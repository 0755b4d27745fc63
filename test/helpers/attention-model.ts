/** Models of one attention, put together from the pieces that exporters write. */
import {float32, int64, type Tensor} from '../../compiler/graph/tensor.js';
import {foldConstants} from '../../compiler/passes/fold-constants.js';
import {fuseAttention} from '../../compiler/passes/fuse-attention.js';
import {shareCommon} from '../../compiler/passes/share-common.js';
import {simplify} from '../../compiler/passes/simplify.js';
import type {ModelSpec, NodeSpec} from './build-model.js';
import {floats, node, pass, scalar, type PassOptions, type Passed} from './run-passes.js';

export const HEADS = 4;
export const GROUPS = 2;
export const WIDTH = 4;
/** Positions of the stored masks. */
export const STORED = 12;

const whole = (...values: readonly number[]): Tensor => int64([values.length], values);

const triangle = (below: number, above: number): number[] =>
	Array.from({length: STORED ** 2}, (_, at) => (at % STORED <= Math.floor(at / STORED) ? below : above));

export const MINIMUM = -3.4028234663852886e38;

export const constants: Readonly<Record<string, Tensor>> = {
	heads: whole(0, -1, HEADS, WIDTH),
	groups: whole(0, -1, GROUPS, WIDTH),
	merged: whole(0, -1, HEADS * WIDTH),
	zero: int64([], [0]),
	one: int64([], [1]),
	two: int64([], [2]),
	three: int64([], [3]),
	four: int64([], [4]),
	zeros: whole(0),
	ones: whole(1),
	twos: whole(2),
	threes: whole(3),
	end: whole(Number.MAX_SAFE_INTEGER),
	square: whole(0, 1),
	front: whole(1, 2),
	fill: whole(1),
	wide: whole(1, 1, -1, 1),
	column: whole(-1, 1),
	times: whole(HEADS / GROUPS),
	headCount: whole(HEADS),
	groupCount: whole(GROUPS),
	width: whole(WIDTH),
	scale: scalar(0.5),
	root: scalar(Math.SQRT2),
	nothing: scalar(0),
	unit: scalar(1),
	minimum: scalar(MINIMUM),
	negative: scalar(-Infinity),
	thousands: scalar(-10_000),
	billion: scalar(1e9),
	cap: scalar(3),
	slopes: float32([HEADS, 1, 1], [0.5, 0.25, 0.125, 0.0625]),
	storedBool: {dtype: 'bool', dims: [1, 1, STORED, STORED], data: Uint8Array.from(triangle(1, 0))},
	storedFloat: float32([STORED, STORED], triangle(0, MINIMUM)),
	storedOdd: float32([STORED, STORED], triangle(0, -0.5)),
	projection: floats([WIDTH, WIDTH], 77),
};

/** q, k and v as linears give them, to [batch, heads, sequence, width]. */
export const split = (groups = HEADS): NodeSpec[] =>
	['q', 'k', 'v'].flatMap(name => [
		node('Reshape', [name, name === 'q' || groups === HEADS ? 'heads' : 'groups'], `${name}s`),
		node('Transpose', [`${name}s`], `${name}h`, {perm: [0, 2, 1, 3]}),
	]);

/** A past in front: kh and vh become kp and vp, which are outputs. */
export const past = [
	node('Concat', ['past_key_values.0.key', 'kh'], 'present.0.key', {axis: 2}),
	node('Concat', ['past_key_values.0.value', 'vh'], 'present.0.value', {axis: -2}),
];

/** Each head of `from` for several queries in a row. */
export const repeat = (from: string, to: string): NodeSpec[] => [
	node('Shape', [from], `${to}.shape`),
	node('Slice', [`${to}.shape`, 'twos', 'threes', 'zeros'], `${to}.length`),
	node('Slice', [`${to}.shape`, 'zeros', 'ones', 'zeros'], `${to}.batch`),
	node('Unsqueeze', [from, 'twos'], `${to}.one`),
	node('Concat', [`${to}.batch`, 'groupCount', 'times', `${to}.length`, 'width'], `${to}.wide`, {axis: 0}),
	node('Expand', [`${to}.one`, `${to}.wide`], `${to}.all`),
	node('Concat', [`${to}.batch`, 'headCount', `${to}.length`, 'width'], `${to}.flat`, {axis: 0}),
	node('Reshape', [`${to}.all`, `${to}.flat`], to),
];

/** Scores of qh and `keys`, scaled. */
export const scores = (keys = 'kh'): NodeSpec[] => [
	node('Transpose', [keys], 'kt', {perm: [0, 1, 3, 2]}),
	node('MatMul', ['qh', 'kt'], 'raw'),
	node('Mul', ['raw', 'scale'], 'scores'),
];

/** From masked scores to the output. */
export const tail = (from = 'masked', values = 'vh', output = 'y'): NodeSpec[] => [
	node('Softmax', [from], `${output}.p`, {axis: -1}),
	node('MatMul', [`${output}.p`, values], `${output}.o`),
	node('Transpose', [`${output}.o`], `${output}.r`, {perm: [0, 2, 1, 3]}),
	node('Reshape', [`${output}.r`, 'merged'], output),
];

/** The padding mask as [batch, 1, 1, sequence]. */
export const raised = [node('Unsqueeze', ['attention_mask', 'front'], 'm4')];

/** 1 − the mask. */
export const inverted = [node('Cast', ['m4'], 'mf', {to: 1}), node('Sub', ['unit', 'mf'], 'inv')];

/** Expands `from` to [batch, 1, sequence, sequence]. */
export const expanded = (from: string, to: string): NodeSpec[] => [
	node('Shape', ['attention_mask'], 'shape'),
	node('Gather', ['shape', 'zeros'], 'b1'),
	node('Gather', ['shape', 'ones'], 's1'),
	node('Concat', ['b1', 'ones', 's1', 's1'], 'full', {axis: 0}),
	node('Expand', [from, 'full'], to),
];

const size = HEADS * WIDTH;

export const encoder: Partial<ModelSpec> = {
	inputs: {
		q: ['float32', ['batch', 'sequence', size]],
		k: ['float32', ['batch', 'sequence', size]],
		v: ['float32', ['batch', 'sequence', size]],
		attention_mask: ['int64', ['batch', 'sequence']],
	},
	outputs: {y: ['float32', [null, null, size]]},
};

const cache = ['batch', GROUPS, 'past', WIDTH] as const;

export const decoder: Partial<ModelSpec> = {
	inputs: {
		q: ['float32', ['batch', 'sequence', size]],
		k: ['float32', ['batch', 'sequence', GROUPS * WIDTH]],
		v: ['float32', ['batch', 'sequence', GROUPS * WIDTH]],
		attention_mask: ['int64', ['batch', 'past + sequence']],
		'past_key_values.0.key': ['float32', cache],
		'past_key_values.0.value': ['float32', cache],
	},
	outputs: {
		y: ['float32', [null, null, size]],
		'present.0.key': ['float32', [null, GROUPS, 'total', WIDTH]],
		'present.0.value': ['float32', [null, GROUPS, 'total', WIDTH]],
	},
};

/** What masks of the decoder are made of: `rows` and `columns`, the positions of queries [sequence, 1] and keys [total], and the sizes they come from. */
export const positions = [
	node('Shape', ['q'], 'q.shape'),
	node('Gather', ['q.shape', 'one'], 'sequence'),
	node('Shape', ['past_key_values.0.key'], 'past.shape'),
	node('Gather', ['past.shape', 'two'], 'past'),
	node('Add', ['past', 'sequence'], 'total'),
	node('Range', ['past', 'total', 'one'], 'rows1'),
	node('Reshape', ['rows1', 'column'], 'rows'),
	node('Range', ['zero', 'total', 'one'], 'columns'),
	node('Unsqueeze', ['sequence', 'zeros'], 'sequence1'),
	node('Unsqueeze', ['total', 'zeros'], 'total1'),
	node('Unsqueeze', ['past', 'zeros'], 'past1'),
	node('Concat', ['sequence1', 'total1'], 'extent', {axis: 0}),
];

export const passes = [foldConstants, simplify, shareCommon, fuseAttention, foldConstants];

export type Attended = Passed & {
	/** The attributes of each attention that was recognised, its padding mask, and whether it has a bias. */
	readonly found: ReadonlyArray<Readonly<Record<string, unknown>>>;
};

export function attend(
	model: Partial<ModelSpec>,
	nodes: readonly NodeSpec[],
	options: PassOptions = {},
	more: Readonly<Record<string, Tensor>> = {},
): Attended {
	const passed = pass({...model, initializers: {...constants, ...more}, nodes}, passes, options);
	const found = passed.graph.nodes
		.filter(({op}) => op === 'snug.Attention')
		.map(({attributes, inputs}) => ({...attributes, padding: inputs[5] ?? '', biased: (inputs[6] ?? '') !== ''}));
	return {...passed, found};
}

/** Two sequences of five, the second padded at its end. */
export const encoding: PassOptions = {
	dims: {batch: '*'},
	bindings: {batch: 2, sequence: 5},
	feeds: {attention_mask: int64([2, 5], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0])},
};

/** Four tokens behind three, one of which is hidden. */
export const decoding: PassOptions = {
	positions: STORED,
	bindings: {sequence: 4, past: 3},
	feeds: {attention_mask: int64([1, 7], [1, 0, 1, 1, 1, 1, 1])},
};
