/**
 * TensorProto → `Constant`. Raw data stays a view of the model's buffer, external data stays in its file; typed fields are converted
 * once. Every mismatch between dims, type and bytes is refused here, so later stages can trust a constant.
 */
import fs from 'node:fs';
import {SnugError} from '../error.js';
import {allocate, bytesOf, view, type DType, type TypedArray} from '../graph/dtype.js';
import {sizeOf, tensor, type Constant, type Tensor} from '../graph/tensor.js';
import {dataType, unpack, type DataType} from './data-type.js';
import {locate, readExtent, type Origin} from './external-data.js';
import {toBigInt, toUnsignedBigInt, toNumber, type Int64} from './int64.js';
import {has, type SparseTensorProto, type TensorProto} from './messages.js';
import {decodeTensor} from './schema.js';

const EXTERNAL = 1;

/** `where` names the file, for messages. */
export function importTensor(proto: TensorProto, origin: Origin, where: string): Constant {
	const subject = `tensor '${proto.name}' in ${where}`;
	if (has(proto, 'segment')) {
		throw new SnugError('tensor-segment', {subject, problem: 'a tensor in segments is not supported', hint: 'save the tensor in one piece'});
	}

	const type = dataType(proto.dataType, subject);
	const {dtype} = type;
	const dims = importDims(proto.dims, subject);
	const length = sizeOf(dims);
	const bytes = Math.ceil((length * type.bits) / 8);
	const decode = (raw: Uint8Array): TypedArray => (type.bits < 8 ? unpack(raw, type, length) : view(dtype, raw));

	if (proto.dataLocation === EXTERNAL) {
		const extent = locate(proto.externalData, bytes, origin, subject);
		return {dtype, dims, identity: `${extent.file}+${extent.offset}+${extent.length}`, read: () => decode(readExtent(extent, subject))};
	}

	if (proto.dataLocation !== 0) {
		throw new SnugError('external-data', {
			subject,
			problem: 'unknown data location',
			expected: '0 (in the model) or 1 (external)',
			found: String(proto.dataLocation),
		});
	}

	if (has(proto, 'rawData')) {
		if (proto.rawData.length !== bytes) {
			throw mismatch(subject, `[${dims.join(', ')}] of ${type.name}`, `${bytes} bytes of raw data`, `${proto.rawData.length} bytes`);
		}

		return {dtype, dims, read: () => decode(proto.rawData)};
	}

	const data = typedData(proto, type, length, `[${dims.join(', ')}] of ${type.name}`, subject);
	return {dtype, dims, read: () => data};
}

/** Coordinates and values to the dense tensor that they stand for. */
export function importSparseTensor({values, indices, dims: protoDims}: SparseTensorProto, origin: Origin, where: string): Constant {
	const subject = `sparse tensor '${values?.name ?? ''}' in ${where}`;
	if (!values || !indices) {
		throw new SnugError('tensor-length', {subject, problem: 'a sparse tensor needs values and indices', found: values ? 'no indices' : 'no values'});
	}

	const dims = importDims(protoDims, subject);
	const stored = importTensor(values, origin, where);
	const places = importTensor(indices, origin, where);
	const count = sizeOf(stored.dims);
	const rank = places.dims.length === 2 ? dims.length : 1;
	if (places.dtype !== 'int64' || sizeOf(places.dims) !== count * rank) {
		throw mismatch(subject, `${count} values`, `int64 indices [${count}] or [${count}, ${dims.length}]`, `${places.dtype} [${places.dims.join(', ')}]`);
	}

	const positions = (): number[] => {
		const at = places.read();
		return Array.from({length: count}, (_, index) => {
			const coordinates = Array.from({length: rank}, (__, axis) => Number(at[index * rank + axis]));
			return rank === 1
				? coordinates[0]!
				: coordinates.reduce((sum, coordinate, axis) => (coordinate < 0 || coordinate >= dims[axis]! ? Number.NaN : sum * dims[axis]! + coordinate), 0);
		});
	};

	const outside = positions().findIndex(position => !(position >= 0 && position < sizeOf(dims)));
	if (outside >= 0) {
		throw new SnugError('tensor-length', {
			subject,
			problem: `index ${outside} lies outside the tensor`,
			expected: `a place in [${dims.join(', ')}]`,
			found: Array.from(places.read().slice(outside * rank, (outside + 1) * rank), String).join(', '),
		});
	}

	const read = (): TypedArray => {
		const dense = allocate(stored.dtype, sizeOf(dims));
		const from = stored.read();
		for (const [index, position] of positions().entries()) {
			dense[position] = from[index]!;
		}

		return dense;
	};

	return {dtype: stored.dtype, dims, read};
}

/** A `.pb` file that holds one TensorProto, as the ONNX test suites keep inputs and outputs. */
export function readTensorFile(file: string): Tensor {
	const bytes = fs.readFileSync(file);
	let proto: TensorProto;
	try {
		proto = decodeTensor(bytes);
	} catch (error) {
		throw new SnugError('not-a-tensor', {subject: file, problem: 'the file is no TensorProto', found: error instanceof Error ? error.message : String(error)});
	}

	return tensor(importTensor(proto, {}, file));
}

function importDims(protoDims: readonly Int64[], subject: string): number[] {
	const dims = protoDims.map(toNumber);
	const wrong = dims.find(dim => dim < 0);
	if (wrong !== undefined) {
		throw new SnugError('tensor-dims', {subject, problem: 'a negative dimension', expected: 'dims of at least 0', found: `[${dims.join(', ')}]`});
	}

	// Beyond this no typed array exists, and products of dims stop being exact.
	if (dims.reduce((product, dim) => (dim === 0 ? product : product * dim), 1) > Number.MAX_SAFE_INTEGER / 16) {
		throw new SnugError('tensor-dims', {subject, problem: 'the tensor is too large to exist', found: `[${dims.join(', ')}]`});
	}

	return dims;
}

const mismatch = (subject: string, what: string, expected: string, found: string): SnugError =>
	new SnugError('tensor-length', {subject, problem: `the data does not match ${what}`, expected, found});

function typedData(proto: TensorProto, type: DataType & {readonly dtype: DType}, length: number, what: string, subject: string): TypedArray {
	const {dtype} = type;
	const check = (field: string, found: number, expected = length): void => {
		if (found !== expected) {
			throw mismatch(subject, what, `${expected} elements in ${field}`, String(found));
		}
	};

	switch (dtype) {
		case 'float32': {
			check('float_data', proto.floatData.length);
			return Float32Array.from(proto.floatData);
		}

		case 'float64': {
			check('double_data', proto.doubleData.length);
			return Float64Array.from(proto.doubleData);
		}

		case 'int64': {
			check('int64_data', proto.int64Data.length);
			return BigInt64Array.from(proto.int64Data, toBigInt);
		}

		case 'uint64': {
			check('uint64_data', proto.uint64Data.length);
			return BigUint64Array.from(proto.uint64Data, toUnsignedBigInt);
		}

		case 'uint32': {
			check('uint64_data', proto.uint64Data.length);
			return Uint32Array.from(proto.uint64Data, ({low}) => low >>> 0);
		}

		default: {
			if (type.bits < 8) {
				// The specification packs two 4-bit or four 2-bit elements into each int32 as it would into a byte.
				check('int32_data', proto.int32Data.length, Math.ceil((length * type.bits) / 8));
				return unpack(Uint8Array.from(proto.int32Data), type, length);
			}

			check('int32_data', proto.int32Data.length);
			const data = allocate(dtype, length);
			if (bytesOf(dtype) <= 4 && !(data instanceof BigInt64Array) && !(data instanceof BigUint64Array)) {
				data.set(proto.int32Data);
			}

			return data;
		}
	}
}
