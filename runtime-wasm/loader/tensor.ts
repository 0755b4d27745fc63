/** Tensors as callers hand them in: checked, and turned into elements of the port's type. */
import type {DimEntry} from '../../compiler/bundle/format.js';
import {allocate, dtypes, type TypedArray} from '../../compiler/graph/dtype.js';
import {SnugError} from '../../compiler/error.js';
import {toBrain, toHalf} from './half.js';
import type {DataType, Feed} from './types.js';

export type Elements = {readonly type: DataType; readonly data: TypedArray; readonly dims: readonly number[]};

/** An input, as far as a feed is checked against it. */
export type Wanted = {readonly name: string; readonly dtype: string; readonly shape: readonly DimEntry[]; readonly rows?: number};

export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

export const inputError = (name: string, problem: string, sides: {expected?: string; found?: string; hint?: string} = {}): SnugError =>
	new SnugError('bad-input', {subject: `input '${name}'`, problem, ...sides});

/** The types are what callers promise; JavaScript may pass anything. */
export function toElements(given: Feed, wanted: Wanted): Elements {
	const {name, dtype, shape, rows} = wanted;
	const feed = given as Partial<Feed> | null | undefined;
	if (feed?.dims === undefined || feed.type === undefined || feed.data === undefined || !Array.isArray(feed.dims)) {
		throw inputError(name, 'no tensor', {expected: '{type, data, dims}', found: feed === null ? 'null' : typeof feed});
	}

	const {type, dims} = given;
	if (type !== dtype) {
		throw inputError(name, 'wrong type', {expected: dtype, found: type});
	}

	if (dims.some(dim => !Number.isSafeInteger(dim) || dim < 0)) {
		throw inputError(name, 'dimensions are not whole numbers', {found: `[${dims.join(', ')}]`});
	}

	if (dims.length !== shape.length) {
		throw inputError(name, 'wrong number of dimensions', {expected: String(shape.length), found: `[${dims.join(', ')}]`});
	}

	const data = convert(given, name);
	if (data.length !== sizeOf(dims)) {
		throw inputError(name, 'the data do not fill the dimensions', {expected: `${sizeOf(dims)} elements for [${dims.join(', ')}]`, found: String(data.length)});
	}

	if (rows !== undefined) {
		checkRows(data, name, rows);
	}

	return {type, data, dims};
}

function convert({type, data}: Feed, name: string): TypedArray {
	const Wanted = dtypes[type].array;
	if (data instanceof Wanted) {
		return data;
	}

	if (Array.isArray(data)) {
		return fromNumbers(type, data as ReadonlyArray<number | bigint | boolean>, name);
	}

	// Newer engines have a Float16Array; its bits are what the program reads.
	if (type === 'float16' && ArrayBuffer.isView(data) && data.constructor.name === 'Float16Array') {
		const halves = data as Uint16Array;
		return new Uint16Array(halves.buffer, halves.byteOffset, halves.length);
	}

	throw inputError(name, 'wrong kind of data', {expected: `${Wanted.name} or numbers for ${type}`, found: Object.prototype.toString.call(data).slice(8, -1)});
}

function fromNumbers(type: DataType, values: ReadonlyArray<number | bigint | boolean>, name: string): TypedArray {
	if (type === 'float16' || type === 'bfloat16') {
		throw inputError(name, `${type} cannot be given as numbers`, {expected: 'bit patterns in a Uint16Array'});
	}

	const elements = allocate(type, values.length);
	const wrong = (index: number): never => {
		throw inputError(name, `element ${index} is no ${type}`, {found: String(values[index])});
	};

	for (const [index, value] of values.entries()) {
		if (typeof value === 'bigint' ? type === 'float32' || type === 'float64' : typeof value !== 'number' && typeof value !== 'boolean') {
			wrong(index);
		}

		if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
			elements[index] = Number.isNaN(Number(value)) || (typeof value === 'number' && !Number.isInteger(value)) ? wrong(index) : BigInt(value);
		} else {
			elements[index] = Number(value);
			if (type !== 'float32' && type !== 'float64' && elements[index] !== Number(value)) {
				wrong(index);
			}
		}
	}

	return elements;
}

function checkRows(ids: TypedArray, name: string, rows: number): void {
	for (let index = 0; index < ids.length; index++) {
		if (ids[index]! < 0 || ids[index]! >= rows) {
			throw inputError(name, `element ${index} is outside its table`, {expected: `0 to ${rows - 1}`, found: String(ids[index])});
		}
	}
}

/** A tensor's elements from numbers. */
export function filled(type: DataType, length: number, valueAt: (index: number) => number): TypedArray {
	const elements = allocate(type, length);
	for (let index = 0; index < length; index++) {
		const value = valueAt(index);
		if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
			elements[index] = BigInt(value);
		} else {
			elements[index] = type === 'float16' ? toHalf(value) : type === 'bfloat16' ? toBrain(value) : value;
		}
	}

	return elements;
}

/** `length` indices of an axis from `start`. The same array where that is all of them. */
export function sliceAxis({type, data, dims}: Elements, axis: number, start: number, length: number): Elements {
	const size = dims[axis]!;
	if (start === 0 && length === size) {
		return {type, data, dims};
	}

	const inner = sizeOf(dims.slice(axis + 1));
	const outer = sizeOf(dims.slice(0, axis));
	const slice = allocate(type, outer * length * inner);
	for (let index = 0; index < outer; index++) {
		const from = (index * size + start) * inner;
		slice.set(data.subarray(from, from + length * inner) as never, index * length * inner);
	}

	return {type, data: slice, dims: dims.with(axis, length)};
}

/** Joins tensors that differ in the length of one axis. */
export function joinAxis(parts: readonly Elements[], axis: number): Elements {
	const [first] = parts;
	if (first === undefined || parts.length === 1) {
		return first!;
	}

	const length = parts.reduce((sum, {dims}) => sum + dims[axis]!, 0);
	const inner = sizeOf(first.dims.slice(axis + 1));
	const outer = sizeOf(first.dims.slice(0, axis));
	const whole = allocate(first.type, outer * length * inner);
	let at = 0;
	for (const {data, dims} of parts) {
		const run = dims[axis]! * inner;
		for (let index = 0; index < outer; index++) {
			whole.set(data.subarray(index * run, (index + 1) * run) as never, index * length * inner + at);
		}

		at += run;
	}

	return {type: first.type, data: whole, dims: first.dims.with(axis, length)};
}
