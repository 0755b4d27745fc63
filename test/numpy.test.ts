/** NumPy files: what is written reads back, and what NumPy wrote (bytes kept here) reads right. */
import test from 'ava';
import type {SnugError} from '../compiler/error.js';
import {readNpy, readNpz, writeNpy, writeNpz} from '../compiler/numpy.js';
import {allocate, dtypes, type DType} from '../compiler/graph/dtype.js';
import {float32, int64} from '../compiler/graph/tensor.js';

const npy = (header: string, data: Uint8Array): Uint8Array =>
	Buffer.concat([Buffer.from(`\u0093NUMPY\u0001\u0000${String.fromCharCode(header.length)}\u0000${header}`, 'latin1'), data]);

test('every type but bfloat16 survives an archive', t => {
	const arrays = new Map(
		(Object.keys(dtypes) as DType[])
			.filter(dtype => dtype !== 'bfloat16')
			.map(dtype => {
				const data = allocate(dtype, 6);
				new Uint8Array(data.buffer).forEach((_, index, bytes) => (bytes[index] = dtype === 'bool' ? index % 2 : index * 7));
				return [`a.${dtype}`, {dtype, dims: [2, 3], data}] as const;
			}),
	);
	const archive = writeNpz(arrays);
	t.deepEqual(readNpz(archive, 'test.npz'), arrays);
	t.deepEqual(writeNpz(arrays), archive);
});

test('scalars, vectors and empty arrays keep their dims', t => {
	for (const dims of [[], [3], [0, 4], [2, 1, 1]]) {
		const array = float32(dims, new Array<number>(dims.reduce((a, b) => a * b, 1)).fill(1.5));
		t.deepEqual(readNpy(writeNpy(array), 'a.npy'), array);
	}
});

test('data starts at a multiple of 64 bytes', t => {
	const bytes = writeNpy(int64([1], [5]));
	t.is((bytes.length - 8) % 64, 0);
});

test('an array in Fortran order becomes row-major', t => {
	const columns = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", new Uint8Array(Float32Array.of(0, 3, 1, 4, 2, 5).buffer));
	t.deepEqual(readNpy(columns, 'f.npy'), float32([2, 3], [0, 1, 2, 3, 4, 5]));
});

test('a stored archive, as numpy.savez writes it, can be read', t => {
	// Made by numpy.savez(x=numpy.arange(3, dtype='int64')); numpy writes zip64 sizes into the local header only.
	const archive = Buffer.from(STORED, 'base64');
	t.deepEqual(readNpz(archive, 's.npz'), new Map([['x', int64([3], [0, 1, 2])]]));
});

const refusals: Array<[title: string, bytes: Uint8Array, code: string, text: RegExp]> = [
	['another file', Buffer.from('PK\u0003\u0004 and more bytes'), 'not-npy', /signature/],
	['big-endian data', npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", new Uint8Array(4)), 'npy-type', /found >f4/],
	['objects', npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", new Uint8Array(8)), 'npy-type', /found \|O/],
	['missing data', npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", new Uint8Array(4)), 'npy-length', /expected 8 bytes, found 4 bytes/],
	['a header beyond the file', Buffer.from('\u0093NUMPY\u0001\u0000\u00ff\u00ff', 'latin1'), 'not-npy', /header/],
];

for (const [title, bytes, code, text] of refusals) {
	test(`a .npy file with ${title} is refused`, t => {
		const error = t.throws<SnugError>(() => readNpy(bytes, 'bad.npy'));
		t.is(error.code, code);
		t.regex(error.message, /^bad\.npy: /);
		t.regex(error.message, text);
	});
}

test('a truncated archive is refused', t => {
	const archive = writeNpz(new Map([['x', float32([4], [1, 2, 3, 4])]]));
	for (const end of [10, archive.length >> 1, archive.length - 1]) {
		t.is(t.throws<SnugError>(() => readNpz(archive.subarray(0, end), 'cut.npz')).code, 'not-npz');
	}
});

test('bfloat16 cannot be written', t => {
	t.is(t.throws<SnugError>(() => writeNpy({dtype: 'bfloat16', dims: [1], data: new Uint16Array(1)})).code, 'npy-type');
});

const STORED =
	'UEsDBC0AAAAAAAAAIQD3QBLq//////////8FABQAeC5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAAAABAAAAAAAAAAIAAAAAAAAAUEsBAi0DLQAAAAAAAAAhAPdAEuqYAAAAmAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsFBgAAAAABAAEAMwAAAM8AAAAAAA==';
