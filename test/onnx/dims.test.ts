/** Dimensions of inputs: canonical symbols, states, and what `dims` fixes or bounds. */
import test from 'ava';
import * as dim from '../../compiler/graph/dim.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {importModel, type ImportOptions} from '../../compiler/onnx/import.js';
import {buildModel, type TypeSpec} from '../helpers/build-model.js';
import {knownOps} from '../helpers/known-ops.js';

const ops = knownOps(['Neg']);

/** A model of the inputs alone; each output is one input's negative. */
function load(inputs: Readonly<Record<string, TypeSpec>>, outputs: Readonly<Record<string, TypeSpec>> = {}, options: ImportOptions = {}): Graph {
	const [first] = Object.keys(inputs);
	return importModel(
		{bytes: buildModel({inputs, outputs, nodes: Object.keys(outputs).map(output => ({op: 'Neg', inputs: [first!], outputs: [output]}))})},
		{ops, ...options},
	);
}

const shapes = (graph: Graph): Record<string, string> =>
	Object.fromEntries(graph.inputs.map(name => [name, graph.types.get(name)!.shape.map(dim.keyOf).join(', ')]));

test('names that exporters use become batch, sequence and past', t => {
	const graph = load(
		{
			input_ids: ['int64', ['batch_size', 'sequence_length']],
			attention_mask: ['int64', ['batch_size', 'past_sequence_length + sequence_length']],
			'past_key_values.0.key': ['float32', ['batch_size', 4, 'past_sequence_length', 32]],
		},
		{'present.0.key': ['float32', ['batch_size', 4, 'past_sequence_length + sequence_length', 32]]},
		{maxSequence: 256},
	);
	t.deepEqual(shapes(graph), {input_ids: '1, sequence', attention_mask: '1, past + sequence', 'past_key_values.0.key': '1, 4, past, 32'});
	t.deepEqual(graph.symbols, {sequence: {min: 1, max: 256}, past: {min: 0, max: 256}});
	t.deepEqual(graph.states, [{input: 'past_key_values.0.key', output: 'present.0.key', axis: 2}]);
});

test('what an axis is counts for more than its name', t => {
	const graph = load(
		{
			input_ids: ['int64', ['s0', 's1']],
			attention_mask: ['int64', ['s0', 's5']],
			position_ids: ['int64', ['s0', 's1']],
			bias: ['float32', ['s0', 1, 's1', 's5']],
			'past_key_values.0.key': ['float32', ['s0', 4, 's2', 32]],
		},
		{'present.0.key': ['float32', ['s0', 4, 's1 + s2', 32]]},
	);
	t.deepEqual(shapes(graph), {
		input_ids: '1, sequence',
		attention_mask: '1, past + sequence',
		position_ids: '1, sequence',
		bias: '1, 1, sequence, past + sequence',
		'past_key_values.0.key': '1, 4, past, 32',
	});
});

test('total_sequence_length is past and sequence', t => {
	const graph = load(
		{
			input_ids: ['int64', ['batch_size', 'sequence_length']],
			attention_mask: ['int64', ['batch_size', 'total_sequence_length']],
			'past_key_values.0.key': ['float32', ['batch_size', 4, 'past_sequence_length', 32]],
		},
		{'present.0.key': ['float32', ['batch_size', 4, 'total_sequence_length', 32]]},
	);
	t.is(shapes(graph)['attention_mask'], '1, past + sequence');
});

test('a mask that says past + 1 still covers the sequence', t => {
	const graph = load(
		{
			input_ids: ['int64', ['batch', 'sequence']],
			attention_mask: ['int64', ['batch', 'past_sequence_length + 1']],
			'past_key_values.0.key': ['float32', ['batch', 4, 'past_sequence_length', 32]],
		},
		{'present.0.key': ['float32', null as never]},
	);
	t.is(shapes(graph)['attention_mask'], '1, past + sequence');
});

test('without a state the mask is as long as the sequence', t => {
	t.deepEqual(shapes(load({input_ids: ['int64', ['batch', 'seq_len']], attention_mask: ['int64', ['batch', 'mask_length']]})), {
		input_ids: '1, sequence',
		attention_mask: '1, sequence',
	});
});

test('dimensions without a name get one, and bounds', t => {
	const graph = load({'pixel values': ['float32', ['N', 3, null, -1]], z: ['float32', ['?? what', '?? what']]}, {}, {maxSequence: 64});
	t.deepEqual(shapes(graph), {'pixel values': '1, 3, pixel_values_axis2, pixel_values_axis3', z: 'z_axis0, z_axis0'});
	t.deepEqual(graph.symbols['z_axis0'], {min: 1, max: 64});
});

test('an expression whose symbols no input shows becomes a symbol of its own', t => {
	t.deepEqual(shapes(load({a: ['float32', ['left + right', 'n_tokens']], b: ['float32', ['left + right', 'n_tokens * 2']]})), {
		a: 'a_axis0, n_tokens',
		b: 'a_axis0, 2*n_tokens',
	});
});

test('a symbol that only sounds like another one stays apart', t => {
	const graph = load({input_ids: ['int64', ['batch', 'decoder_length']], encoder_hidden_states: ['float32', ['batch', 'sequence', 64]]});
	t.deepEqual(shapes(graph), {input_ids: '1, sequence', encoder_hidden_states: '1, sequence_1, 64'});
});

test('states are paired in every naming, and grow where they grow', t => {
	const text = (names: ReadonlyArray<readonly [string, string, TypeSpec[1], TypeSpec[1]]>): unknown =>
		load(
			{input_ids: ['int64', ['batch', 'sequence']], ...Object.fromEntries(names.map(([input, , shape]) => [input, ['float32', shape] as TypeSpec]))},
			Object.fromEntries(names.map(([, output, , shape]) => [output, ['float32', shape] as TypeSpec])),
		).states;
	t.deepEqual(
		text([
			[
				'past_key_values.0.decoder.key',
				'present.0.decoder.key',
				['batch', 8, 'past_decoder_sequence_length', 64],
				['batch', 8, 'past_decoder_sequence_length + 1', 64],
			],
			['past_key_values.0.encoder.key', 'present.0.encoder.key', ['batch', 8, 'encoder_sequence_length', 64], ['batch', 8, 'encoder_sequence_length', 64]],
			['past_conv.3', 'present_conv.3', ['batch', 64, 3], ['batch', 64, 3]],
			['past_key_self_1', 'present_key_self_1', ['batch', 8, null, 64], ['batch', 8, null, 64]],
			['past_1', 'present_1', [2, 'batch', 8, 'past', 64], [2, 'batch', 8, 'total', 64]],
		]),
		[
			{input: 'past_key_values.0.decoder.key', output: 'present.0.decoder.key', axis: 2},
			{input: 'past_key_values.0.encoder.key', output: 'present.0.encoder.key'},
			{input: 'past_conv.3', output: 'present_conv.3'},
			{input: 'past_key_self_1', output: 'present_key_self_1', axis: 2},
			{input: 'past_1', output: 'present_1', axis: 3},
		],
	);
});

test('a past input without its present output is a plain input', t => {
	t.deepEqual(load({past_key_cross_0: ['float32', ['batch', 8, 'frames', 64]]}).states, []);
});

test('dims fix or bound a symbol under its own or its canonical name', t => {
	const inputs: Readonly<Record<string, TypeSpec>> = {input_ids: ['int64', ['batch_size', 'sequence_length']], image: ['float32', ['batch_size', 'height']]};
	t.deepEqual(shapes(load(inputs, {}, {dims: {sequence_length: 8, batch: 2}})), {input_ids: '2, 8', image: '2, height'});
	const graph = load(inputs, {}, {dims: {batch_size: '*', height: {min: 16, max: 32}, sequence: {min: 2, max: 4}}});
	t.deepEqual(shapes(graph), {input_ids: 'batch, sequence', image: 'batch, height'});
	t.deepEqual(graph.symbols, {batch: {min: 1, max: 1024}, sequence: {min: 2, max: 4}, height: {min: 16, max: 32}});
});

test('a dimension of zero is a number', t => {
	t.deepEqual(shapes(load({x: ['float32', [0, 4]]})), {x: '0, 4'});
});
