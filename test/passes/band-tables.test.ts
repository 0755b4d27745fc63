/** Tables in bands: the same rows for every id, and only where nothing else holds the table. */
import test from 'ava';
import {findWeights} from '../../compiler/allocate/weights.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {passes} from '../../compiler/passes/index.js';
import {bandTables} from '../../compiler/passes/band-tables.js';
import {int64} from '../../compiler/graph/tensor.js';
import type {ModelSpec} from '../helpers/build-model.js';
import {floats, node, pass} from '../helpers/run-passes.js';

const [ROWS, WIDTH] = [8200, 4];

const model = (nodes: ModelSpec['nodes'], rows = ROWS): ModelSpec => ({
	opsets: {'': 17},
	inputs: {ids: ['int64', [2, 'sequence']]},
	outputs: {y: ['float32', [null, null, null]]},
	initializers: {table: floats([rows, WIDTH], 1)},
	nodes,
});

const lookUp = node('Gather', ['table', 'ids'], 'y');

test('every id finds its row, from the end where it is negative', t => {
	// The ends of all bands, and what lies around them.
	const ids = [0, 1, 511, 512, 513, 1023, 1024, 1535, 1536, 2047, 2048, 3071, 3072, 4095, 4096, 6143, 6144, ROWS - 1, -1, -ROWS, -ROWS + 512, 7];
	const {differences, ops, typed} = pass(model([lookUp]), [...passes, bandTables], {
		feeds: {ids: int64([2, ids.length / 2], ids)},
		bindings: {sequence: ids.length / 2},
		atol: 0,
	});
	t.deepEqual(differences, []);
	t.is(ops.filter(op => op === 'snug.Embedding').length, 8);
	const rows = typed.graph.nodes.filter(({op}) => op === 'snug.Embedding').map(({inputs}) => typed.graph.constants.get(inputs[1]!)!.dims[0]!);
	t.is(
		rows.reduce((sum, count) => sum + count, 0),
		ROWS,
	);
	// The loader refuses by this what is out of range, with the name of the input.
	const {program} = floatModel(typed, findWeights(typed.graph), 16).program();
	t.is(program.inputs.find(({name}) => name === 'ids')!.rows, ROWS);
});

for (const id of [ROWS, -ROWS - 1]) {
	test(`the id ${id} is out of range, as before`, t => {
		t.throws(() => pass(model([lookUp]), [...passes, bandTables], {feeds: {ids: int64([2, 1], [0, id])}, bindings: {sequence: 1}}), {message: /out of range/});
	});
}

test('a product with the same table, by this name or another, is that of its bands', t => {
	const twin = {...model([lookUp]).initializers, twin: floats([ROWS, WIDTH], 1)};
	for (const table of ['table', 'twin']) {
		const product = [node('Gather', ['table', 'ids'], 'x'), node('Transpose', [table], 'turned', {perm: [1, 0]}), node('MatMul', ['x', 'turned'], 'y')];
		const {differences, typed} = pass({...model(product), initializers: twin}, [...passes, bandTables], {
			feeds: {ids: int64([2, 2], [0, 511, 512, ROWS - 1])},
			bindings: {sequence: 2},
			atol: 1e-6,
		});
		t.deepEqual(differences, []);
		const weightsOf = (op: string): string[] => typed.graph.nodes.filter(other => other.op === op).map(({inputs}) => inputs[1]!);
		t.is(weightsOf('snug.Linear').length, 8);
		t.deepEqual(weightsOf('snug.Linear').sort(), weightsOf('snug.Embedding').sort());
		t.is(findWeights(typed.graph).length, 8);
	}
});

test('a small table stays, and so does one that another look-up reads', t => {
	const twice = [node('Gather', ['table', 'ids'], 'a'), node('Neg', ['ids'], 'others'), node('Gather', ['table', 'others'], 'b'), node('Add', ['a', 'b'], 'y')];
	for (const spec of [model([lookUp], 2000), model(twice)]) {
		const {typed} = pass(spec, passes);
		t.is(bandTables.run(typed), typed.graph);
	}
});
