/** Tensors of the file: every field that can hold data, packing, external data, and the suite's tensor files. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {SnugError} from '../../compiler/error.js';
import {float32, tensor, type Tensor} from '../../compiler/graph/tensor.js';
import {fromInteger} from '../../compiler/onnx/int64.js';
import {importModel} from '../../compiler/onnx/import.js';
import type {TensorProto} from '../../compiler/onnx/messages.js';
import {decodeTensor, encodeTensor} from '../../compiler/onnx/schema.js';
import {importTensor, readTensorFile} from '../../compiler/onnx/tensor.js';
import {buildModel, tensorProto} from '../helpers/build-model.js';
import {difference} from '../helpers/compare.js';
import {knownOps} from '../helpers/known-ops.js';
import {available, caseNames, casesOf, loadCase} from '../helpers/node-cases.js';
import {temporaryFolder} from '../helpers/temporary.js';

const read = (proto: Partial<TensorProto>, dims: readonly number[]): Tensor =>
	tensor(importTensor(decodeTensor(Buffer.from(encodeTensor({name: 't', ...proto, dims: dims.map(fromInteger)}))), {}, 'test.onnx'));

test('every typed field is read', t => {
	const cases: Array<[Partial<TensorProto>, readonly number[], Tensor]> = [
		[{dataType: 1, floatData: [0.5, -2]}, [2], float32([2], [0.5, -2])],
		[{dataType: 11, doubleData: [0.1]}, [1], {dtype: 'float64', dims: [1], data: Float64Array.of(0.1)}],
		[{dataType: 6, int32Data: [-1, 7]}, [2, 1], {dtype: 'int32', dims: [2, 1], data: Int32Array.of(-1, 7)}],
		[{dataType: 3, int32Data: [-128, 127]}, [2], {dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127)}],
		[{dataType: 2, int32Data: [255]}, [1], {dtype: 'uint8', dims: [1], data: Uint8Array.of(255)}],
		[{dataType: 5, int32Data: [-3]}, [1], {dtype: 'int16', dims: [1], data: Int16Array.of(-3)}],
		[{dataType: 4, int32Data: [65_535]}, [1], {dtype: 'uint16', dims: [1], data: Uint16Array.of(65_535)}],
		[{dataType: 9, int32Data: [1, 0]}, [2], {dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0)}],
		[{dataType: 10, int32Data: [0x3c00]}, [1], {dtype: 'float16', dims: [1], data: Uint16Array.of(0x3c00)}],
		[{dataType: 16, int32Data: [0x3f80]}, [1], {dtype: 'bfloat16', dims: [1], data: Uint16Array.of(0x3f80)}],
		[{dataType: 7, int64Data: [fromInteger(-5)]}, [], {dtype: 'int64', dims: [], data: BigInt64Array.of(-5n)}],
		[{dataType: 13, uint64Data: [fromInteger(2n ** 64n - 1n)]}, [1], {dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 64n - 1n)}],
		[{dataType: 12, uint64Data: [fromInteger(2 ** 32 - 1)]}, [1], {dtype: 'uint32', dims: [1], data: Uint32Array.of(2 ** 32 - 1)}],
		[{dataType: 22, int32Data: [0x8f, 0x07]}, [3], {dtype: 'int8', dims: [3], data: Int8Array.of(-1, -8, 7)}],
	];
	for (const [proto, dims, expected] of cases) {
		t.deepEqual(read(proto, dims), expected, `type ${proto.dataType}`);
	}
});

test('integers of less than a byte are unpacked, lowest bits first', t => {
	const packed = Uint8Array.of(0xe4, 0x8f);
	t.deepEqual(read({dataType: 21, rawData: packed}, [3]).data, Uint8Array.of(4, 14, 15));
	t.deepEqual(read({dataType: 22, rawData: packed}, [4]).data, Int8Array.of(4, -2, -1, -8));
	t.deepEqual(read({dataType: 25, rawData: packed}, [8]).data, Uint8Array.of(0, 1, 2, 3, 3, 3, 0, 2));
	t.deepEqual(read({dataType: 26, rawData: packed}, [5]).data, Int8Array.of(0, 1, -2, -1, -1));
});

test('raw data at any offset and empty tensors are read', t => {
	for (const name of ['', 'a', 'ab', 'abc']) {
		t.deepEqual(read({...tensorProto({dtype: 'int64', dims: [1], data: BigInt64Array.of(-9n)}, name), dims: []}, [1]).data, BigInt64Array.of(-9n));
	}

	t.is(read({dataType: 1}, [0, 4]).data.length, 0);
});

test('external data are read by range, anew each time', t => {
	const folder = temporaryFolder(t);
	const file = path.join(folder, 'weights.bin');
	fs.writeFileSync(file, Buffer.from(Float32Array.of(9, 1, 2, 3, 9).buffer));
	fs.writeFileSync(
		path.join(folder, 'model.onnx'),
		buildModel({
			inputs: {x: ['float32', [3]]},
			outputs: {y: ['float32', [3]]},
			initializers: {w: {dtype: 'float32', dims: [3], location: 'weights.bin', offset: 4, length: 12}},
			nodes: [{op: 'Add', inputs: ['x', 'w'], outputs: ['y']}],
		}),
	);
	const weight = importModel(path.join(folder, 'model.onnx'), {ops: knownOps(['Add'])}).constants.get('w')!;
	t.deepEqual(weight.read(), Float32Array.of(1, 2, 3));
	t.is(weight.identity, `${file}+4+12`);
	fs.writeFileSync(file, Buffer.from(Float32Array.of(9, 4, 5, 6, 9).buffer));
	t.deepEqual(weight.read(), Float32Array.of(4, 5, 6));
	fs.truncateSync(file, 8);
	t.is(t.throws<SnugError>(() => weight.read()).code, 'external-data-short');
});

test('a model that is a link finds its data beside the target', t => {
	const folder = temporaryFolder(t);
	for (const name of ['blobs', 'snapshot']) {
		fs.mkdirSync(path.join(folder, name));
	}

	fs.writeFileSync(
		path.join(folder, 'blobs', 'a1'),
		buildModel({inputs: {}, outputs: {}, initializers: {w: {dtype: 'float32', dims: [1], location: 'model.data'}}, nodes: []}),
	);
	fs.writeFileSync(path.join(folder, 'blobs', 'b2'), Buffer.from(Float32Array.of(5).buffer));
	fs.symlinkSync('../blobs/a1', path.join(folder, 'snapshot', 'model.onnx'));
	fs.symlinkSync('../blobs/b2', path.join(folder, 'snapshot', 'model.data'));
	t.deepEqual(
		importModel(path.join(folder, 'snapshot', 'model.onnx'))
			.constants.get('w')!
			.read(),
		Float32Array.of(5),
	);
});

(available ? test : test.skip)('the cases of the backend suite can be loaded', t => {
	t.true(caseNames.length > 900);
	const {inputs, outputs} = loadCase('test_add');
	t.deepEqual([...inputs.keys()], ['x', 'y']);
	const sum = outputs.get('sum')!;
	t.deepEqual(sum.dims, [3, 4, 5]);
	t.is(
		difference(
			{
				...sum,
				data: Float32Array.from(sum.data as Float32Array, (_, index) => (inputs.get('x')!.data[index] as number) + (inputs.get('y')!.data[index] as number)),
			},
			sum,
		),
		undefined,
	);
	t.true(casesOf('Softmax').includes('test_softmax_axis_0'));
	const loaded = caseNames.filter(name => {
		try {
			loadCase(name);
			return true;
		} catch (error) {
			return !(error instanceof SnugError);
		}
	});
	t.true(loaded.length >= 890, `only ${loaded.length} cases hold nothing but tensors`);
});

test('a difference names the element, and NaN equals NaN', t => {
	t.is(difference(float32([2], [1, Number.NaN]), float32([2], [1.0005, Number.NaN])), undefined);
	t.is(difference(float32([2], [1, Infinity]), float32([2], [1, 3])), 'element 1: expected 3, found Infinity');
	t.is(difference(float32([1], [3]), float32([1], [-Infinity])), 'element 0: expected -Infinity, found 3');
	t.is(difference(float32([1], [Number.NaN]), float32([1], [0])), 'element 0: expected 0, found NaN');
	t.is(difference(float32([2], [0, 0]), float32([1, 2], [0, 0])), 'expected float32 [1, 2], found float32 [2]');
	t.is(
		difference({dtype: 'int32', dims: [1], data: Int32Array.of(100_000)}, {dtype: 'int32', dims: [1], data: Int32Array.of(100_001)}),
		'element 0: expected 100001, found 100000',
	);
	t.is(difference(undefined, float32([], [0])), 'no such output');
});

test('a tensor file that is none is refused', t => {
	const file = path.join(temporaryFolder(t), 'x.pb');
	fs.writeFileSync(file, 'text, no tensor');
	const error = t.throws<SnugError>(() => readTensorFile(file), {instanceOf: SnugError});
	t.is(error.detail.subject, file);
});
