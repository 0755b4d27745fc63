/** Attention without a cache: padding masks in the forms of encoders, and where scales stand. */
import test from 'ava';
import type {NodeSpec} from '../helpers/build-model.js';
import {attend, encoder, encoding, expanded, inverted, raised, scores, split, tail} from '../helpers/attention-model.js';
import {node} from '../helpers/run-passes.js';

const plain = {heads: 4, kv_heads: 4, scale: 0.5, causal: 0, window: 0, softcap: 0, padding: 'attention_mask', biased: false};

const paddings: Readonly<Record<string, readonly NodeSpec[]>> = {
	'(1 − mask) × minimum': [...raised, ...inverted, node('Mul', ['inv', 'minimum'], 'bias'), node('Add', ['scores', 'bias'], 'masked')],
	'(1 − mask) × −10,000, in front': [...raised, ...inverted, node('Mul', ['thousands', 'inv'], 'bias'), node('Add', ['bias', 'scores'], 'masked')],
	'(mask − 1) × 1e9': [
		...raised,
		node('Cast', ['m4'], 'mf', {to: 1}),
		node('Sub', ['mf', 'unit'], 'less'),
		node('Mul', ['less', 'billion'], 'bias'),
		node('Add', ['scores', 'bias'], 'masked'),
	],
	'Where(cast(1 − mask), minimum, 1 − mask)': [
		...raised,
		...expanded('m4', 'me'),
		node('Cast', ['me'], 'mf', {to: 1}),
		node('Sub', ['unit', 'mf'], 'inv'),
		node('Cast', ['inv'], 'no', {to: 9}),
		node('Where', ['no', 'minimum', 'inv'], 'bias'),
		node('Add', ['scores', 'bias'], 'masked'),
	],
	"Expand'ed truth values": [
		...raised,
		node('Cast', ['m4'], 'yes', {to: 9}),
		...expanded('yes', 'wide4'),
		node('Where', ['wide4', 'scores', 'minimum'], 'masked'),
	],
	'their opposite': [
		...raised,
		node('Cast', ['m4'], 'yes', {to: 9}),
		...expanded('yes', 'wide4'),
		node('Not', ['wide4'], 'no'),
		node('Where', ['no', 'negative', 'scores'], 'masked'),
	],
	'truth values as an additive mask': [
		...raised,
		node('Cast', ['m4'], 'yes', {to: 9}),
		...expanded('yes', 'wide4'),
		node('Where', ['wide4', 'nothing', 'negative'], 'bias'),
		node('Add', ['scores', 'bias'], 'masked'),
	],
	'a fill where the mask is 0': [
		node('Equal', ['attention_mask', 'zero'], 'no2'),
		node('Unsqueeze', ['no2', 'front'], 'no'),
		...expanded('no', 'wide4'),
		node('Where', ['wide4', 'minimum', 'scores'], 'masked'),
	],
	'a fill where the mask is not 1': [
		...raised,
		node('Equal', ['m4', 'one'], 'is'),
		node('Not', ['is'], 'no'),
		node('Where', ['no', 'minimum', 'scores'], 'masked'),
	],
	'a mask greater than 0': [...raised, node('Greater', ['m4', 'zero'], 'is'), node('Where', ['is', 'scores', 'minimum'], 'masked')],
};

for (const [name, nodes] of Object.entries(paddings)) {
	test(`a padding mask is read: ${name}`, t => {
		const {found, differences} = attend(encoder, [...split(), ...scores(), ...nodes, ...tail()], encoding);
		t.deepEqual(found, [plain]);
		t.deepEqual(differences, []);
	});
}

test('a mask of truth values is an input like any', t => {
	const model = {...encoder, inputs: {...encoder.inputs, attention_mask: ['bool', ['batch', 'sequence']] as const}};
	const feeds = {attention_mask: {dtype: 'bool' as const, dims: [2, 5], data: Uint8Array.of(1, 1, 1, 1, 0, 1, 0, 1, 1, 0)}};
	const {found, differences} = attend(
		model,
		[...split(), ...scores(), node('Unsqueeze', ['attention_mask', 'front'], 'm4'), node('Where', ['m4', 'scores', 'negative'], 'masked'), ...tail()],
		{...encoding, feeds},
	);
	t.deepEqual(found, [plain]);
	t.deepEqual(differences, []);
});

const raw = [node('Transpose', ['kh'], 'kt', {perm: [0, 1, 3, 2]}), node('MatMul', ['qh', 'kt'], 'masked')];
const scales: Readonly<Record<string, {readonly nodes: readonly NodeSpec[]; readonly scale: number; readonly softcap?: number}>> = {
	'no scale': {nodes: [...split(), ...raw], scale: 1},
	'a quotient behind the product': {
		nodes: [...split(), ...raw.slice(0, 1), node('MatMul', ['qh', 'kt'], 'raw'), node('Div', ['raw', 'root'], 'masked')],
		scale: Math.SQRT1_2,
	},
	'a scale on the queries': {nodes: [...split(), node('Mul', ['qh', 'scale'], 'q2'), ...raw.slice(0, 1), node('MatMul', ['q2', 'kt'], 'masked')], scale: 0.5},
	'a scale on queries and on keys before they are transposed': {
		nodes: [
			...split(),
			node('Mul', ['scale', 'qh'], 'q2'),
			node('Mul', ['kh', 'scale'], 'k2'),
			node('Transpose', ['k2'], 'kt', {perm: [0, 1, 3, 2]}),
			node('MatMul', ['q2', 'kt'], 'masked'),
		],
		scale: 0.25,
	},
	'a scale on queries and on keys behind their transpose': {
		nodes: [
			...split(),
			node('Div', ['qh', 'root'], 'q2'),
			node('Transpose', ['kh'], 'kt', {perm: [0, 1, 3, 2]}),
			node('Div', ['kt', 'root'], 'k2'),
			node('MatMul', ['q2', 'k2'], 'masked'),
		],
		scale: 0.5,
	},
	'keys transposed in one step': {
		nodes: [...split(), node('Transpose', ['ks'], 'kt', {perm: [0, 2, 3, 1]}), node('MatMul', ['qh', 'kt'], 'raw'), node('Mul', ['raw', 'scale'], 'masked')],
		scale: 0.5,
	},
	'a soft cap': {
		nodes: [...split(), ...scores(), node('Div', ['scores', 'cap'], 'd'), node('Tanh', ['d'], 'th'), node('Mul', ['th', 'cap'], 'masked')],
		scale: 0.5,
		softcap: 3,
	},
};

for (const [name, {nodes, scale, softcap = 0}] of Object.entries(scales)) {
	test(`attention with ${name} becomes one op`, t => {
		const {found, differences, ops} = attend(encoder, [...nodes, ...tail()], encoding);
		t.is(found.length, 1);
		const {scale: actual, ...rest} = found[0]!;
		t.true(Math.abs((actual as number) - scale) < 1e-6);
		const {scale: _, ...expected} = {...plain, softcap, padding: ''};
		t.deepEqual(rest as Record<string, unknown>, expected);
		t.false(ops.includes('Softmax'));
		t.deepEqual(differences, []);
	});
}

test('probabilities that others read stay', t => {
	const {found, ops, differences} = attend(
		{...encoder, outputs: {...encoder.outputs, 'y.p': ['float32', [null, null, null, null]]}},
		[...split(), ...raw, ...tail()],
		encoding,
	);
	t.is(found.length, 1);
	t.true(ops.includes('Softmax'));
	t.deepEqual(differences, []);
});

test('the guard against rows that attend to nothing goes', t => {
	const {found, ops, differences} = attend(
		encoder,
		[
			...split(),
			...scores(),
			...paddings["Expand'ed truth values"]!,
			node('Softmax', ['masked'], 'p', {axis: -1}),
			node('IsNaN', ['p'], 'nan'),
			node('Where', ['nan', 'nothing', 'p'], 'safe'),
			node('MatMul', ['safe', 'vh'], 'o'),
			node('Transpose', ['o'], 'r', {perm: [0, 2, 1, 3]}),
			node('Reshape', ['r', 'merged'], 'y'),
		],
		encoding,
	);
	t.deepEqual(found, [plain]);
	t.false(ops.includes('IsNaN'));
	t.deepEqual(differences, []);
});
