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

test('a small table stays, and so does one that a product or another look-up reads', t => {
	const product = [node('Gather', ['table', 'ids'], 'x'), node('Transpose', ['table'], 'turned', {perm: [1, 0]}), node('MatMul', ['x', 'turned'], 'y')];
	const twice = [node('Gather', ['table', 'ids'], 'a'), node('Neg', ['ids'], 'others'), node('Gather', ['table', 'others'], 'b'), node('Add', ['a', 'b'], 'y')];
	for (const spec of [model([lookUp], 8000), model(product), model(twice)]) {
		const {typed} = pass(spec, passes);
		t.is(bandTables.run(typed), typed.graph);
	}
});
