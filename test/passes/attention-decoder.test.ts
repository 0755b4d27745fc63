/** Attention with a cache: causal masks, windows and padding in the forms of decoders, grouped queries, shared caches. */
import test from 'ava';
import {int64} from '../../compiler/graph/tensor.js';
import type {NodeSpec} from '../helpers/build-model.js';
import {attend, decoder, decoding, past, positions, raised, inverted, repeat, scores, split, tail} from '../helpers/attention-model.js';
import {node} from '../helpers/run-passes.js';

const causal = {heads: 4, kv_heads: 2, scale: 0.5, causal: 1, window: 0, softcap: 0, padding: '', biased: false};

const before = [...split(2), ...past, ...repeat('present.0.key', 'kr'), ...repeat('present.0.value', 'vr'), ...scores('kr'), ...positions];
const model = (nodes: readonly NodeSpec[]): NodeSpec[] => [...before, ...nodes, ...tail('masked', 'vr')];

const at4 = (from: string): NodeSpec => node('Unsqueeze', [from, 'square'], `${from}4`);
/** A stored mask cut to the rows and columns in use. */
const cut = (from: string, axes: readonly [string, string]): NodeSpec[] => [
	node('Slice', [from, 'past1', 'total1', axes[0], 'ones'], 'cutRows'),
	node('Slice', ['cutRows', 'zeros', 'total1', axes[1], 'ones'], 'cut'),
];

const triangles: Readonly<Record<string, readonly NodeSpec[]>> = {
	'Range and LessOrEqual, as truth values': [node('LessOrEqual', ['columns', 'rows'], 'c'), at4('c'), node('Where', ['c4', 'scores', 'minimum'], 'masked')],
	'Range and Greater, as a fill': [node('Greater', ['columns', 'rows'], 'c'), at4('c'), node('Where', ['c4', 'negative', 'scores'], 'masked')],
	'Range and GreaterOrEqual, added': [
		node('GreaterOrEqual', ['rows', 'columns'], 'c'),
		node('Where', ['c', 'nothing', 'minimum'], 'm'),
		at4('m'),
		node('Add', ['scores', 'm4'], 'masked'),
	],
	'Range and Less, inverted': [
		node('Less', ['rows', 'columns'], 'no'),
		node('Not', ['no'], 'c'),
		at4('c'),
		node('Where', ['c4', 'scores', 'minimum'], 'masked'),
	],
	'Trilu of a filled square': [
		node('ConstantOfShape', ['extent'], 'zerosOf'),
		node('Add', ['zerosOf', 'minimum'], 'filled'),
		node('Add', ['past', 'one'], 'offset'),
		node('Trilu', ['filled', 'offset'], 'm', {upper: 1}),
		at4('m'),
		node('Add', ['scores', 'm4'], 'masked'),
	],
	'the lower Trilu of ones': [
		node('Expand', ['one', 'extent'], 'filled'),
		node('Trilu', ['filled', 'past'], 'm', {upper: 0}),
		node('Cast', ['m'], 'c', {to: 9}),
		at4('c'),
		node('Where', ['c4', 'scores', 'minimum'], 'masked'),
	],
	'Trilu of a filled square, switched on by position': [
		node('Expand', ['minimum', 'extent'], 'filled'),
		node('Trilu', ['filled', 'one'], 'upper', {upper: 1}),
		node('Greater', ['columns', 'rows'], 'later'),
		node('Cast', ['later'], 'laterf', {to: 1}),
		node('Mul', ['upper', 'laterf'], 'm'),
		at4('m'),
		node('Add', ['scores', 'm4'], 'masked'),
	],
	'a stored triangle of truth values': [...cut('storedBool', ['twos', 'threes']), node('Where', ['cut', 'scores', 'minimum'], 'masked')],
	'a stored triangle that is added': [...cut('storedFloat', ['zeros', 'ones']), node('Add', ['scores', 'cut'], 'masked')],
	'positions compared by their difference': [
		node('Sub', ['columns', 'rows'], 'ahead'),
		node('Greater', ['ahead', 'zero'], 'c'),
		at4('c'),
		node('Where', ['c4', 'negative', 'scores'], 'masked'),
	],
};

for (const [name, nodes] of Object.entries(triangles)) {
	test(`a causal mask is read: ${name}`, t => {
		const {found, differences, ops} = attend(decoder, model(nodes), decoding);
		t.deepEqual(found, [causal]);
		t.false(ops.includes('Concat'));
		t.deepEqual(differences, []);
	});
}

const padded = {...causal, padding: 'attention_mask'};
const triangle = [node('LessOrEqual', ['columns', 'rows'], 'c'), at4('c')];
const pad = [...raised, node('Cast', ['m4'], 'kept', {to: 9})];

const paddings: Readonly<Record<string, readonly NodeSpec[]>> = {
	'And of both': [...triangle, ...pad, node('And', ['c4', 'kept'], 'both'), node('Where', ['both', 'scores', 'minimum'], 'masked')],
	'two masks added': [
		...triangle,
		node('Where', ['c4', 'nothing', 'minimum'], 'm1'),
		...raised,
		...inverted,
		node('Mul', ['inv', 'minimum'], 'm2'),
		node('Add', ['scores', 'm1'], 's1'),
		node('Add', ['s1', 'm2'], 'masked'),
	],
	'the sum of two masks': [
		...triangle,
		node('Where', ['c4', 'nothing', 'minimum'], 'm1'),
		...raised,
		...inverted,
		node('Mul', ['inv', 'thousands'], 'm2'),
		node('Add', ['m1', 'm2'], 'm'),
		node('Add', ['scores', 'm'], 'masked'),
	],
	'a triangle filled where the padding is': [
		...triangle,
		node('Where', ['c4', 'nothing', 'minimum'], 'm1'),
		...raised,
		...inverted,
		node('Cast', ['inv'], 'no', {to: 9}),
		node('Where', ['no', 'minimum', 'm1'], 'm'),
		node('Add', ['scores', 'm'], 'masked'),
	],
	'a triangle filled where it and the padding are 0': [
		...triangle,
		node('Where', ['c4', 'nothing', 'minimum'], 'm1'),
		...raised,
		node('Cast', ['m4'], 'mf', {to: 1}),
		node('Add', ['m1', 'mf'], 'sum'),
		node('Equal', ['sum', 'nothing'], 'no'),
		node('Where', ['no', 'minimum', 'm1'], 'm'),
		node('Add', ['scores', 'm'], 'masked'),
	],
	'GatherND of the padding at each key': [
		node('Cast', ['attention_mask'], 'kept', {to: 9}),
		node('Reshape', ['columns', 'wideKeys'], 'keys'),
		node('Mul', ['keys', 'zero'], 'batches'),
		node('Unsqueeze', ['keys', 'lastAxis'], 'keys1'),
		node('Unsqueeze', ['batches', 'lastAxis'], 'batches1'),
		node('Concat', ['batches1', 'keys1'], 'pairs', {axis: -1}),
		node('GatherND', ['kept', 'pairs'], 'gathered'),
		...triangle,
		node('And', ['c4', 'gathered'], 'both'),
		node('Where', ['both', 'scores', 'minimum'], 'masked'),
	],
};

const indices = {wideKeys: int64([4], [1, 1, 1, -1]), lastAxis: int64([1], [-1])};

for (const [name, nodes] of Object.entries(paddings)) {
	test(`a causal mask with padding is read: ${name}`, t => {
		const {found, differences} = attend(decoder, model(nodes), decoding, indices);
		t.deepEqual(found, [padded]);
		t.deepEqual(differences, []);
	});
}

const windows: Readonly<Record<string, readonly NodeSpec[]>> = {
	'keys after query − 3': [node('Sub', ['rows', 'three'], 'first'), node('Greater', ['columns', 'first'], 'w'), node('And', ['c4', 'w'], 'both')],
	'a distance of less than 3': [node('Sub', ['rows', 'columns'], 'distance'), node('Less', ['distance', 'three'], 'w'), node('And', ['w', 'c4'], 'both')],
	'a distance of at most 2': [node('Sub', ['rows', 'columns'], 'distance'), node('LessOrEqual', ['distance', 'two'], 'w'), node('And', ['w', 'c4'], 'both')],
	'Or of both, inverted': [
		node('Sub', ['rows', 'three'], 'first'),
		node('LessOrEqual', ['columns', 'first'], 'old'),
		node('Not', ['c4'], 'later'),
		node('Or', ['later', 'old'], 'hidden'),
		node('Not', ['hidden'], 'both'),
	],
};

for (const [name, nodes] of Object.entries(windows)) {
	test(`a sliding window is read: ${name}`, t => {
		const {found, differences} = attend(decoder, model([...triangle, ...nodes, node('Where', ['both', 'scores', 'minimum'], 'masked')]), {
			...decoding,
			bindings: {sequence: 4, past: 5},
			feeds: {},
		});
		t.deepEqual(found, [{...causal, window: 3}]);
		t.deepEqual(differences, []);
	});
}

const biased: Readonly<Record<string, readonly NodeSpec[]>> = {
	'a triangle that is off by one': [node('Less', ['columns', 'rows1x'], 'c'), at4('c'), node('Where', ['c4', 'scores', 'minimum'], 'masked')],
	'a triangle that forgets the past': [
		node('Range', ['zero', 'sequence', 'one'], 'new'),
		node('Reshape', ['new', 'column'], 'newRows'),
		node('LessOrEqual', ['columns', 'newRows'], 'c'),
		at4('c'),
		node('Where', ['c4', 'scores', 'minimum'], 'masked'),
	],
	'a stored triangle of small numbers': [...cut('storedOdd', ['zeros', 'ones']), node('Add', ['scores', 'cut'], 'masked')],
	'later keys only, and the first': [
		node('GreaterOrEqual', ['columns', 'rows'], 'c'),
		node('Equal', ['columns', 'zero'], 'first'),
		node('Or', ['c', 'first'], 'either'),
		at4('either'),
		node('Where', ['either4', 'scores', 'minimum'], 'masked'),
	],
	'blocks of two': [
		node('Div', ['columns', 'two'], 'kb'),
		node('Div', ['rows', 'two'], 'qb'),
		node('LessOrEqual', ['kb', 'qb'], 'c'),
		at4('c'),
		node('Where', ['c4', 'scores', 'minimum'], 'masked'),
	],
};

for (const [name, nodes] of Object.entries(biased)) {
	test(`a mask that means something else is a bias: ${name}`, t => {
		const all = [node('Add', ['rows', 'four'], 'rows1x'), ...nodes];
		const {found, differences} = attend(decoder, model(all), decoding);
		t.deepEqual(found, [{...causal, causal: 0, biased: true}]);
		t.deepEqual(differences, []);
	});
}

test('the printed graph reads like the model', t => {
	const {text} = attend(decoder, model(paddings['And of both']!), decoding);
	t.deepEqual(
		text.filter(line => line.includes('Attention')),
		[
			'MatMul_y.o/attention, present.0.key, present.0.value = snug.Attention(MatMul_y.o/Reshape:0, MatMul_y.o/Reshape.1:0, MatMul_y.o/Reshape.2:0, past_key_values.0.key, past_key_values.0.value, attention_mask, –) {heads=4, kv_heads=2, scale=0.5, causal=1, window=0, softcap=0}',
		],
	);
	t.deepEqual([...new Set(text.map(line => / = ([\w.]+)/.exec(line)![1]))].sort(), ['Reshape', 'Transpose', 'snug.Attention']);
});

test('heads in another order than groups are no grouped queries', t => {
	const tile = (from: string, to: string): NodeSpec[] => [node('Concat', [from, from], to, {axis: 1})];
	const {found, differences} = attend(
		decoder,
		[
			...split(2),
			...past,
			...tile('present.0.key', 'kr'),
			...tile('present.0.value', 'vr'),
			...scores('kr'),
			...positions,
			...triangles['Range and Greater, as a fill']!,
			...tail('masked', 'vr'),
		],
		decoding,
	);
	t.deepEqual(
		found.map(({kv_heads: groups}) => groups),
		[4],
	);
	t.deepEqual(differences, []);
});

test('heads repeated in front of their axis are no grouped queries', t => {
	const wrong = (from: string, to: string): NodeSpec[] => repeat(from, to).map(each => (each.op === 'Unsqueeze' ? {...each, inputs: [from, 'ones']} : each));
	const {found, differences} = attend(
		decoder,
		[
			...split(2),
			...past,
			...wrong('present.0.key', 'kr'),
			...wrong('present.0.value', 'vr'),
			...scores('kr'),
			...positions,
			...triangles['Range and Greater, as a fill']!,
			...tail('masked', 'vr'),
		],
		decoding,
	);
	t.deepEqual(
		found.map(({kv_heads: groups}) => groups),
		[4],
	);
	t.deepEqual(differences, []);
});

test('two attentions may read one cache, and values may be the keys', t => {
	const second = [
		node('MatMul', ['qh', 'projection'], 'qp'),
		node('MatMul', ['qp', 'kt'], 'raw2'),
		node('Where', ['c4', 'raw2', 'minimum'], 'masked2'),
		...tail('masked2', 'kr', 'y2'),
		node('Add', ['y', 'y2'], 'z'),
	];
	const {found, differences, graph} = attend(
		{...decoder, outputs: {...decoder.outputs, z: ['float32', [null, null, 16]]}},
		[...model(triangles['Range and LessOrEqual, as truth values']!), ...second],
		decoding,
	);
	t.deepEqual(found, [causal, {...causal, scale: 1}]);
	t.deepEqual(
		graph.nodes.filter(({op}) => op === 'snug.Attention').map(({outputs}) => outputs.slice(1)),
		[
			['present.0.key', 'present.0.value'],
			['', ''],
		],
	);
	t.deepEqual(differences, []);
});
