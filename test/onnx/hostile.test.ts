/** Files that are broken, foreign, too new or out to read what they should not: each is refused with a code and a sentence that helps. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {SnugError} from '../../compiler/error.js';
import {float32, int64} from '../../compiler/graph/tensor.js';
import {importModel, type ImportOptions} from '../../compiler/onnx/import.js';
import {fromInteger} from '../../compiler/onnx/int64.js';
import {encodeModel, encodeTensor} from '../../compiler/onnx/schema.js';
import {buildModel, modelProto, tensorProto, type AttributeSpec, type FunctionSpec, type ModelSpec, type NodeSpec} from '../helpers/build-model.js';
import {knownOps} from '../helpers/known-ops.js';
import {temporaryFolder} from '../helpers/temporary.js';

const ops = knownOps(['Add', 'Neg', 'Relu', 'Gelu', 'QuantizeLinear']);

const base: ModelSpec = {inputs: {x: ['float32', [2]]}, outputs: {y: ['float32', [2]]}, nodes: [{op: 'Neg', name: 'n', inputs: ['x'], outputs: ['y']}]};

const nodes = (...list: readonly NodeSpec[]): Uint8Array => buildModel({...base, nodes: list});
const attribute = (value: AttributeSpec): Uint8Array => nodes({op: 'Neg', name: 'n', inputs: ['x'], outputs: ['y'], attributes: {axis: value}});
const initializer = (proto: object): Uint8Array => buildModel({...base, initializers: {w: {proto}}});
const constant = (name: string, value: AttributeSpec): Uint8Array =>
	nodes({op: 'Constant', name: 'c', outputs: ['k'], attributes: {[name]: value}}, base.nodes[0]!);
const dims = (...values: readonly number[]): object => ({dims: values.map(fromInteger)});
const call = (domain: string, op: string): NodeSpec => ({op, name: 'f', domain, inputs: ['x'], outputs: ['y']});
const calling = (domain: string, name: string, inner: NodeSpec): FunctionSpec => ({
	name,
	domain,
	inputs: ['x'],
	outputs: ['y'],
	opsets: {'': 21, [domain]: 1},
	nodes: [inner],
});
const sparse = (indices: readonly number[]): NonNullable<ModelSpec['sparseInitializers']> => [
	{values: tensorProto(float32([1], [1]), 's'), indices: tensorProto(int64([indices.length], indices), ''), dims: [fromInteger(2)]},
];

type Refusal = readonly [title: string, bytes: Uint8Array, code: string, parts: readonly string[], options?: ImportOptions];

const refusals: readonly Refusal[] = [
	['an empty file', new Uint8Array(0), 'empty-file', ['the model', 'empty']],
	['a text', Buffer.from('this is no model at all, just a text'), 'not-onnx', ['no ONNX model']],
	['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n'), 'not-onnx', ['Git LFS pointer', 'git lfs pull']],
	['a web page', Buffer.from('<!DOCTYPE html><html></html>'), 'not-onnx', ['a web page']],
	['a zip archive', Buffer.from('PK\u0003\u0004 and so on'), 'not-onnx', ['zip archive', 'unpack']],
	['a GGUF model', Buffer.from('GGUF\u0003\0\0\0'), 'not-onnx', ['GGUF', 'export the model to ONNX']],
	['JSON', Buffer.from('{"architectures": ["Llama"]}'), 'not-onnx', ['JSON']],
	['a model cut off', buildModel(base).subarray(0, -9), 'truncated-file', ['ends in the middle', 'incomplete']],
	['a model without a graph', encodeModel({irVersion: fromInteger(9)}), 'no-graph', ['no graph', 'IR version 9']],
	[
		'a tensor in place of a model',
		encodeTensor({name: 'w', dims: [fromInteger(2)], dataType: 1}),
		'not-onnx',
		['no ONNX model', 'check that this is the .onnx file'],
	],
	['a newer IR version', buildModel({...base, irVersion: 15}), 'ir-version', ['expected at most 14', 'found 15']],
	['a newer opset', buildModel({...base, opsets: {'': 25}}), 'opset-version', ['opset 1 to 24', 'found opset 25', 'export it with opset 24']],
	[
		'a newer opset in a function',
		buildModel({...base, opsets: {'': 21, d: 1}, functions: [{...calling('d', 'F', base.nodes[0]!), opsets: {'': 30}}], nodes: [call('d', 'F')]}),
		'opset-version',
		['function d:F', 'opset 30'],
	],
	['a domain without an opset', nodes({...call('com.acme', 'Neg')}), 'opset-missing', ["Neg 'f'", "'com.acme'", 'found ai.onnx']],
	[
		'an unknown op',
		buildModel({...base, opsets: {'': 21, 'com.acme': 3}, nodes: [call('com.acme', 'Whirl')]}),
		'unknown-op',
		["Whirl 'f'", 'com.acme.Whirl', 'domain com.acme, opset 3'],
	],
	['a misspelt op', nodes({op: 'Gelo', name: 'g', inputs: ['x'], outputs: ['y']}), 'unknown-op', ["Gelo 'g'", 'domain ai.onnx, opset 21', 'similar ops: Gelu']],
	[
		'a value made twice',
		nodes({op: 'Neg', name: 'a', inputs: ['x'], outputs: ['y']}, {op: 'Relu', name: 'b', inputs: ['x'], outputs: ['y']}),
		'duplicate-value',
		["Relu 'b'", "'y'", "Neg 'a' makes too"],
	],
	[
		'a node that makes an input',
		nodes({op: 'Neg', name: 'a', inputs: ['x'], outputs: ['x']}),
		'duplicate-value',
		["Neg 'a'", "'x'", 'input or an initializer'],
	],
	[
		'two initializers of one name',
		encodeModel({
			...modelProto(base),
			graph: {...modelProto(base).graph!, initializer: [tensorProto(float32([], [1]), 'w'), tensorProto(float32([], [1]), 'w')]},
		}),
		'duplicate-value',
		["'w'", 'defined twice'],
	],
	[
		'a cycle',
		nodes(
			{op: 'Add', name: 'a', inputs: ['x', 'q'], outputs: ['p']},
			{op: 'Neg', name: 'b', inputs: ['p'], outputs: ['q']},
			{op: 'Neg', name: 'c', inputs: ['q'], outputs: ['y']},
		),
		'cyclic-graph',
		["Add 'a' → Neg 'b' → Add 'a'"],
	],
	['a node that feeds itself', nodes({op: 'Add', name: 'a', inputs: ['x', 'y'], outputs: ['y']}), 'cyclic-graph', ["Add 'a' → Add 'a'"]],
	['a missing input', nodes({op: 'Add', name: 'sum', inputs: ['x', 'gone'], outputs: ['y']}), 'missing-input', ["Add 'sum'", "input 1 ('gone')"]],
	[
		'a missing value in a branch',
		nodes({
			op: 'If',
			name: 'if',
			inputs: ['x'],
			outputs: ['y'],
			attributes: {then_branch: {outputs: {a: ['float32', [2]]}, nodes: [{op: 'Neg', name: 'inner', inputs: ['nowhere'], outputs: ['a']}]}},
		}),
		'missing-input',
		["Neg 'inner'", "'nowhere'"],
	],
	['an output that nothing makes', buildModel({...base, outputs: {z: ['float32', [2]]}}), 'missing-output', ["'z'", 'no node']],
	[
		'an attribute of another type than it says',
		attribute({proto: {type: 7, f: 0.5}}),
		'attribute-type',
		["Neg 'n', attribute 'axis'", 'type INTS', 'type FLOAT'],
	],
	['an attribute without its value', attribute({proto: {type: 4}}), 'attribute-type', ['type TENSOR', 'found none']],
	['an attribute of an unknown type', attribute({proto: {type: 77}}), 'attribute-type', ['unsupported attribute type', 'type 77']],
	['an attribute with a list of graphs', attribute({proto: {type: 10}}), 'attribute-type', ['unsupported attribute type', 'GRAPHS']],
	['a reference outside a function', attribute({reference: 'alpha', type: 1}), 'attribute-reference', ["attribute 'axis'", "'alpha'"]],
	[
		'an attribute given twice',
		encodeModel({
			...modelProto(base),
			graph: {
				...modelProto(base).graph!,
				node: [
					{
						...modelProto(base).graph!.node[0]!,
						attribute: [
							{name: 'a', type: 2, i: fromInteger(1)},
							{name: 'a', type: 2, i: fromInteger(2)},
						] as never,
					},
				],
			},
		}),
		'duplicate-attribute',
		["Neg 'n'", "'a'"],
	],
	[
		'a function that calls itself',
		buildModel({...base, opsets: {'': 21, d: 1}, functions: [calling('d', 'F', call('d', 'G')), calling('d', 'G', call('d', 'F'))], nodes: [call('d', 'F')]}),
		'recursive-function',
		['d:F → d:G → d:F'],
	],
	[
		'a function that calls itself in a branch',
		buildModel({
			...base,
			opsets: {'': 21, d: 1},
			functions: [
				calling('d', 'F', {op: 'If', inputs: ['x'], outputs: ['y'], attributes: {then_branch: {outputs: {y: ['float32', [2]]}, nodes: [call('d', 'F')]}}}),
			],
			nodes: [call('d', 'F')],
		}),
		'recursive-function',
		['d:F → d:F'],
	],
	[
		'a function defined twice',
		buildModel({...base, functions: [calling('d', 'F', base.nodes[0]!), calling('d', 'F', base.nodes[0]!)]}),
		'duplicate-function',
		['d:F'],
	],
	[
		'too many inputs for a function',
		buildModel({...base, opsets: {'': 21, d: 1}, functions: [calling('d', 'F', base.nodes[0]!)], nodes: [{...call('d', 'F'), inputs: ['x', 'x']}]}),
		'invalid-node',
		['too many inputs', 'at most 1', 'found 2'],
	],
	['an unknown data type', initializer({...dims(1), dataType: 99}), 'unsupported-data-type', ["tensor 'w'", 'unknown element type', 'data type 99']],
	['a tensor without a data type', initializer(dims(1)), 'unsupported-data-type', ['no data type (0)']],
	[
		'a string tensor',
		initializer({...dims(1), dataType: 8, stringData: [Buffer.from('a')]}),
		'unsupported-data-type',
		['found string (8)', 'text processing outside'],
	],
	[
		'a float8 tensor',
		initializer({...dims(1), dataType: 17, rawData: new Uint8Array(1)}),
		'unsupported-data-type',
		['float8e4m3fn (17)', 'convert the tensor'],
	],
	[
		'raw data that are too short',
		initializer({...dims(2, 3), dataType: 1, rawData: new Uint8Array(20)}),
		'tensor-length',
		["tensor 'w'", '[2, 3] of float', 'expected 24 bytes', 'found 20 bytes'],
	],
	[
		'typed data that are too long',
		initializer({...dims(1), dataType: 1, floatData: [1, 2]}),
		'tensor-length',
		['expected 1 elements in float_data', 'found 2'],
	],
	['a negative dimension', initializer({...dims(2, -3), dataType: 1}), 'tensor-dims', ['negative dimension', '[2, -3]']],
	['dims whose product overflows', initializer({...dims(2 ** 40, 2 ** 40), dataType: 1}), 'tensor-dims', ['too large']],
	['a tensor in segments', initializer({...dims(1), dataType: 1, segment: {}}), 'tensor-segment', ["tensor 'w'", 'segments']],
	['an unknown data location', initializer({...dims(1), dataType: 1, dataLocation: 5}), 'external-data', ['unknown data location', 'found 5']],
	[
		'a sparse index outside the tensor',
		buildModel({...base, sparseInitializers: sparse([7])}),
		'tensor-length',
		["sparse tensor 's'", 'a place in [2]', 'found 7'],
	],
	['sparse indices that do not match', buildModel({...base, sparseInitializers: sparse([0, 1])}), 'tensor-length', ["sparse tensor 's'", '1 values']],
	['a Constant of text', constant('value_string', 'text'), 'attribute-type', ["Constant 'c'", 'string tensors']],
	['a Constant without a value', nodes({op: 'Constant', name: 'c', outputs: ['k']}, base.nodes[0]!), 'invalid-node', ["Constant 'c'", 'exactly one attribute']],
	['a Constant of the wrong type', constant('value_float', 1), 'attribute-type', ["attribute 'value_float'", 'no value of a Constant']],
	[
		'a zero point of four bits',
		buildModel({
			...base,
			initializers: {s: float32([], [1]), z: {proto: {dataType: 22, rawData: new Uint8Array(1)}}},
			nodes: [{op: 'QuantizeLinear', name: 'q', inputs: ['x', 's', 'z'], outputs: ['y']}],
		}),
		'unsupported-data-type',
		["QuantizeLinear 'q'", 'less than a byte'],
	],
	['an input without a shape', buildModel({...base, inputs: {x: ['float32']}}), 'unknown-rank', ["input 'x'", 'rank is unknown']],
	[
		'an input that is no tensor',
		encodeModel({...modelProto(base), graph: {...modelProto(base).graph!, input: [{name: 'x', type: {sequenceType: {}} as never}]}}),
		'unsupported-type',
		["input 'x'", 'not a tensor', 'sequence'],
	],
	['an input of strings', buildModel({...base, inputs: {x: [8, [2]]}}), 'unsupported-data-type', ["input 'x'", 'string (8)']],
	['an input of four bits', buildModel({...base, inputs: {x: [22, [2]]}}), 'unsupported-data-type', ["input 'x'", 'found int4']],
	[
		'two inputs of one name',
		encodeModel({...modelProto(base), graph: {...modelProto(base).graph!, input: [...modelProto(base).graph!.input, ...modelProto(base).graph!.input]}}),
		'duplicate-value',
		['two inputs', 'x, x'],
	],
	[
		'a condition that is a number',
		buildModel({...base, initializers: {c: float32([1], [1])}, nodes: [{op: 'If', name: 'if', inputs: ['c'], outputs: ['y'], attributes: {}}]}),
		'invalid-node',
		["If 'if'", 'no single boolean', 'float32 [1]'],
	],
	[
		'an If without a branch',
		buildModel({
			...base,
			initializers: {c: {dtype: 'bool', dims: [], data: Uint8Array.of(1)}},
			nodes: [{op: 'If', name: 'if', inputs: ['c'], outputs: ['y'], attributes: {}}],
		}),
		'attribute-type',
		["If 'if'", "'then_branch'"],
	],
	['a fixed dimension that no input has', buildModel(base), 'unknown-symbol', ["'sequence'", 'no symbols'], {dims: {sequence: 4}}],
	[
		'bounds in the wrong order',
		buildModel({...base, inputs: {x: ['float32', ['sequence']]}}),
		'invalid-dim',
		["'sequence'", '5 to 4'],
		{dims: {sequence: {min: 5, max: 4}}},
	],
	[
		'a dimension that becomes negative',
		buildModel({...base, inputs: {x: ['float32', ['n', 'n - 4']]}}),
		'invalid-dim',
		["input 'x'", '[3, -1]'],
		{dims: {n: 3}},
	],
	[
		'external data of a model given as bytes',
		buildModel({...base, initializers: {w: {dtype: 'float32', dims: [1], location: 'w.bin'}}}),
		'external-data',
		["tensor 'w'", 'w.bin', 'given as bytes'],
	],
];

for (const [title, bytes, code, parts, options] of refusals) {
	test(`${title} is refused`, t => {
		const error = t.throws<SnugError>(() => importModel({bytes}, {ops, ...options}), {instanceOf: SnugError});
		t.is(error.code, code, error.message);
		for (const part of parts) {
			t.true(error.message.includes(part), `"${part}" is not in "${error.message}"`);
		}
	});
}

type Location = {readonly location: string; readonly offset?: number | string; readonly length?: number | string};

const externalRefusals: ReadonlyArray<readonly [title: string, external: Location, code: string, parts: readonly string[]]> = [
	['a missing file', {location: 'gone.bin'}, 'external-data-missing', ['gone.bin', 'put gone.bin beside the model']],
	['a folder', {location: 'folder'}, 'external-data-missing', ['not a file']],
	['a file that is too short', {location: 'w.bin', offset: 4}, 'external-data-short', ['w.bin is too short', 'at least 12 bytes', 'found 8 bytes']],
	['an offset far beyond the file', {location: 'w.bin', offset: '9007199254740991'}, 'external-data-short', ['too short']],
	['a length that does not match', {location: 'w.bin', length: 4}, 'tensor-length', ['expected 8 bytes', 'found 4 bytes']],
	['an offset that is no number', {location: 'w.bin', offset: '-4'}, 'external-data', ['offset', '"-4"']],
	['a length that is no number', {location: 'w.bin', length: '0x8'}, 'external-data', ['length', '"0x8"']],
	['no location', {location: ''}, 'external-data', ['without a location']],
	['a path upwards', {location: '../secret.bin'}, 'external-data-outside', ['"../secret.bin"', "leaves the model's folder"]],
	['a hidden path upwards', {location: 'folder/../../secret.bin'}, 'external-data-outside', ['secret.bin']],
	['a path upwards in the way of Windows', {location: 'folder\\..\\..\\secret.bin'}, 'external-data-outside', ['secret.bin']],
	['an absolute path', {location: '/etc/hostname'}, 'external-data-outside', ['"/etc/hostname"']],
	['an absolute path of Windows', {location: 'C:\\secret.bin'}, 'external-data-outside', ['secret.bin']],
	['a link out of the folder', {location: 'link.bin'}, 'external-data-outside', ['link.bin', 'a link to', 'secret.bin']],
	['a folder that is a link', {location: 'way-out/secret.bin'}, 'external-data-outside', ['a link to']],
	['a zero byte in the path', {location: 'w.bin\0.txt'}, 'external-data-outside', ['w.bin']],
];

for (const [title, external, code, parts] of externalRefusals) {
	test(`external data in ${title} are refused`, t => {
		const root = temporaryFolder(t);
		const folder = path.join(root, 'model');
		fs.mkdirSync(path.join(folder, 'folder'), {recursive: true});
		fs.writeFileSync(path.join(root, 'secret.bin'), new Uint8Array(8));
		fs.writeFileSync(path.join(folder, 'w.bin'), new Uint8Array(8));
		fs.symlinkSync('../secret.bin', path.join(folder, 'link.bin'));
		fs.symlinkSync('..', path.join(folder, 'way-out'));
		const file = path.join(folder, 'model.onnx');
		fs.writeFileSync(file, buildModel({...base, initializers: {w: {dtype: 'float32', dims: [2], ...external}}}));
		const error = t.throws<SnugError>(() => importModel(file, {ops}), {instanceOf: SnugError});
		t.is(error.code, code, error.message);
		for (const part of ["tensor 'w'", file, ...parts]) {
			t.true(error.message.includes(part), `"${part}" is not in "${error.message}"`);
		}
	});
}

test('a missing model file and a folder are refused', t => {
	const folder = temporaryFolder(t);
	const missing = t.throws<SnugError>(() => importModel(path.join(folder, 'none.onnx')), {instanceOf: SnugError});
	t.is(missing.code, 'model-missing');
	t.regex(missing.message, /none\.onnx: the model file cannot be opened/);
	const directory = t.throws<SnugError>(() => importModel(folder), {instanceOf: SnugError});
	t.is(directory.code, 'model-missing');
	t.regex(directory.message, /found a folder/);
});

test('a model cut off at any byte is refused, never read in part', t => {
	const bytes = buildModel({...base, initializers: {w: float32([4], [1, 2, 3, 4])}, nodes: [{op: 'Add', name: 'n', inputs: ['x', 'w'], outputs: ['y']}]});
	t.is(importModel({bytes}, {ops}).nodes.length, 1);
	for (let end = 0; end < bytes.length; end++) {
		t.throws(() => importModel({bytes: bytes.subarray(0, end)}, {ops}), {instanceOf: SnugError}, `cut at byte ${end}`);
	}
});

test('a model with a wrong byte is refused with a message, or read', t => {
	const bytes = buildModel({
		...base,
		initializers: {w: float32([2], [1, 2])},
		nodes: [{op: 'Add', name: 'n', inputs: ['x', 'w'], outputs: ['y'], attributes: {a: 1, b: [1, 2], c: 'd'}}],
	});
	let refused = 0;
	for (let at = 0; at < bytes.length; at++) {
		for (const flip of [0x01, 0x80, 0xff]) {
			const broken = Uint8Array.from(bytes);
			broken[at]! ^= flip;
			try {
				importModel({bytes: broken}, {ops});
			} catch (error) {
				refused++;
				t.true(error instanceof SnugError, `byte ${at} ^ ${flip}: ${String(error)}`);
			}
		}
	}

	t.true(refused > bytes.length);
});
