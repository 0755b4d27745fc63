/** Masks that are neither padding nor a triangle nor a window become a bias; what is no attention of the op is left alone. */
import test from 'ava';
import {float32, int64} from '../../compiler/graph/tensor.js';
import type {ModelSpec, NodeSpec} from '../helpers/build-model.js';
import {attend, encoder, encoding, expanded, inverted, raised, scores, split, tail} from '../helpers/attention-model.js';
import {node, type PassOptions} from '../helpers/run-passes.js';

const plain = {heads: 4, kv_heads: 4, scale: 0.5, causal: 0, window: 0, softcap: 0, biased: true};

const raw = [node('Transpose', ['kh'], 'kt', {perm: [0, 1, 3, 2]}), node('MatMul', ['qh', 'kt'], 'masked')];

const more = (inputs: NonNullable<ModelSpec['inputs']>): Partial<ModelSpec> => ({...encoder, inputs: {...encoder.inputs, ...inputs}});
const ids = int64([2, 5], [1, 0, 2, 1, 1, 0, 2, 1, 1, 0]);

/** Masks that are not padding, a triangle or a window: the bias says it all. */
const biases: Readonly<
	Record<string, {readonly nodes: readonly NodeSpec[]; readonly model?: Partial<ModelSpec>; readonly feeds?: PassOptions['feeds']; readonly padding?: string}>
> = {
	'a bias from outside': {nodes: [node('Add', ['scores', 'relative'], 'masked')], model: more({relative: ['float32', [1, 4, 'sequence', 'sequence']]})},
	'a bias of lower rank': {nodes: [node('Add', ['relative', 'scores'], 'masked')], model: more({relative: ['float32', ['sequence', 'sequence']]})},
	'a bias and a padding mask': {
		nodes: [
			...raised,
			node('Cast', ['m4'], 'yes', {to: 9}),
			...expanded('yes', 'wide4'),
			node('Add', ['scores', 'relative'], 's2'),
			node('Where', ['wide4', 's2', 'minimum'], 'masked'),
		],
		model: more({relative: ['float32', [1, 4, 'sequence', 'sequence']]}),
		padding: 'attention_mask',
	},
	'two biases': {
		nodes: [node('Add', ['scores', 'relative'], 's2'), node('Add', ['s2', 'other'], 'masked')],
		model: more({relative: ['float32', [1, 4, 'sequence', 'sequence']], other: ['float32', ['batch', 1, 1, 'sequence']]}),
	},
	'a square of truth values': {
		nodes: [node('Where', ['allowed', 'scores', 'minimum'], 'masked')],
		model: more({allowed: ['bool', ['sequence', 'sequence']]}),
		feeds: {allowed: {dtype: 'bool', dims: [5, 5], data: Uint8Array.from({length: 25}, (_, at) => Number(at % 6 === 0 || at % 7 === 3))}},
	},
	'tokens of one kind': {
		nodes: [node('Unsqueeze', ['kinds', 'front'], 'm4'), node('Equal', ['m4', 'one'], 'is'), node('Where', ['is', 'scores', 'minimum'], 'masked')],
		model: more({kinds: ['int64', ['batch', 'sequence']]}),
		feeds: {kinds: ids},
	},
	'all but one kind of token': {
		nodes: [node('Unsqueeze', ['kinds', 'front'], 'm4'), node('Equal', ['m4', 'two'], 'is'), node('Where', ['is', 'minimum', 'scores'], 'masked')],
		model: more({kinds: ['int64', ['batch', 'sequence']]}),
		feeds: {kinds: ids},
	},
	'numbers that are no truth values, inverted': {
		nodes: [
			node('Unsqueeze', ['kinds', 'front'], 'm4'),
			node('Cast', ['m4'], 'mf', {to: 1}),
			node('Sub', ['unit', 'mf'], 'inv'),
			node('Mul', ['inv', 'thousands'], 'bias'),
			node('Add', ['scores', 'bias'], 'masked'),
		],
		model: more({kinds: ['int64', ['batch', 'sequence']]}),
		feeds: {kinds: ids},
	},
	'a mask of queries': {
		nodes: [
			node('Unsqueeze', ['attention_mask', 'edges'], 'm4'),
			...inverted,
			node('Mul', ['inv', 'thousands'], 'bias'),
			node('Add', ['scores', 'bias'], 'masked'),
		],
		feeds: {attention_mask: int64([2, 5], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])},
	},
	'the mask of the first sequence for all': {
		nodes: [
			node('Gather', ['attention_mask', 'zeros'], 'first'),
			node('Unsqueeze', ['first', 'front'], 'm4'),
			...inverted,
			node('Mul', ['inv', 'thousands'], 'bias'),
			node('Add', ['scores', 'bias'], 'masked'),
		],
		feeds: {attention_mask: int64([2, 5], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1])},
	},
	'a mild bias from the mask': {
		nodes: [...raised, ...inverted, node('Mul', ['inv', 'scale'], 'bias'), node('Add', ['scores', 'bias'], 'masked')],
	},
	'a distance with slopes': {
		nodes: [
			node('Shape', ['q'], 'shape'),
			node('Gather', ['shape', 'one'], 'n'),
			node('Range', ['zero', 'n', 'one'], 'at'),
			node('Unsqueeze', ['at', 'ones'], 'row'),
			node('Sub', ['at', 'row'], 'distance'),
			node('Cast', ['distance'], 'df', {to: 1}),
			node('Mul', ['df', 'slopes'], 'bias'),
			node('Add', ['scores', 'bias'], 'masked'),
		],
	},
	'a window on both sides': {
		nodes: [
			node('Shape', ['q'], 'shape'),
			node('Gather', ['shape', 'one'], 'n'),
			node('Range', ['zero', 'n', 'one'], 'at'),
			node('Unsqueeze', ['at', 'ones'], 'row'),
			node('Sub', ['at', 'row'], 'ahead'),
			node('Sub', ['row', 'at'], 'behind'),
			node('Less', ['ahead', 'two'], 'near'),
			node('Less', ['behind', 'two'], 'close'),
			node('And', ['near', 'close'], 'both'),
			node('Where', ['both', 'scores', 'minimum'], 'masked'),
		],
	},
};

for (const [name, {nodes, model = encoder, feeds, padding = ''}] of Object.entries(biases)) {
	test(`a mask that means something else is a bias: ${name}`, t => {
		const {found, differences} = attend(
			model,
			[...split(), ...scores(), ...nodes, ...tail()],
			{...encoding, feeds: {...encoding.feeds, ...feeds}},
			{edges: int64([2], [1, 3])},
		);
		t.deepEqual(found, [{...plain, padding}]);
		t.deepEqual(differences, []);
	});
}

const none: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly model?: Partial<ModelSpec>; readonly options?: PassOptions}>> = {
	'softmax over queries': {
		nodes: [
			...split(),
			...raw,
			node('Softmax', ['masked'], 'p', {axis: 2}),
			node('MatMul', ['p', 'vh'], 'o'),
			node('Transpose', ['o'], 'r', {perm: [0, 2, 1, 3]}),
			node('Reshape', ['r', 'merged'], 'y'),
		],
	},
	'a mask that repeats the scores': {
		nodes: [...split(), ...scores(), node('Add', ['scores', 'many'], 'masked'), node('Softmax', ['masked'], 'p', {axis: -1}), node('MatMul', ['p', 'vh'], 'y')],
		model: {
			inputs: {q: ['float32', [1, 5, 16]], k: ['float32', [1, 5, 16]], v: ['float32', [1, 5, 16]], many: ['float32', [3, 1, 1, 5]]},
			outputs: {y: ['float32', [null, null, null, null]]},
		},
		options: {},
	},
	'keys that a batch shares': {
		nodes: [...split(), ...raw, ...tail()],
		model: {...encoder, inputs: {q: ['float32', [2, 5, 16]], k: ['float32', [1, 5, 16]], v: ['float32', [2, 5, 16]]}},
		options: {},
	},
	'queries that heads share': {
		nodes: [node('Reshape', ['q', 'single'], 'qs'), node('Transpose', ['qs'], 'qh', {perm: [0, 2, 1, 3]}), ...split().slice(2), ...raw, ...tail()],
		model: {...encoder, inputs: {q: ['float32', [1, 5, 4]], k: ['float32', [1, 5, 16]], v: ['float32', [1, 5, 16]]}},
		options: {},
	},
	'a scale in front of a bias': {
		nodes: [
			...split(),
			...raw.slice(0, 1),
			node('MatMul', ['qh', 'kt'], 'raw'),
			node('Add', ['raw', 'relative'], 's'),
			node('Mul', ['s', 'scale'], 'masked'),
			...tail(),
		],
		model: more({relative: ['float32', [1, 4, 'sequence', 'sequence']]}),
	},
	'a fill with small numbers': {
		nodes: [...split(), ...scores(), ...raised, node('Cast', ['m4'], 'is', {to: 9}), node('Where', ['is', 'scores', 'nothing'], 'masked'), ...tail()],
	},
	'keys that are not transposed': {
		nodes: [...split(), node('Transpose', ['kh'], 'kt', {perm: [1, 0, 3, 2]}), node('MatMul', ['qh', 'kt'], 'masked'), ...tail()],
		model: {...encoder, inputs: {q: ['float32', [4, 5, 16]], k: ['float32', [4, 5, 16]], v: ['float32', [4, 5, 16]]}},
		options: {},
	},
};

for (const [name, {nodes, model = encoder, options = encoding}] of Object.entries(none)) {
	test(`no attention: ${name}`, t => {
		const {found, differences} = attend(model, nodes, options, {single: int64([4], [0, -1, 1, 4]), unused: float32([1], [0])});
		t.deepEqual(found, []);
		t.deepEqual(differences, []);
	});
}
