/** The laws that every codec keeps, applied to each entry of the table and each of its options. */
import test from 'ava';
import {codecs} from '../../compiler/codecs/index.js';
import type {Codec, Parameters, Shape} from '../../compiler/codecs/codec.js';
import {measure} from '../../compiler/codecs/measure.js';
import {dot, matvec, normal, row, tile, trainedWeight, weightOf, type Encoded} from './harness.js';
import {matvecBound, tileBound} from './rounding.js';

const shapes: readonly Shape[] = [
	{rows: 1, columns: 1},
	{rows: 3, columns: 70},
	{rows: 16, columns: 32},
	{rows: 37, columns: 100},
	{rows: 48, columns: 256},
	{rows: 16, columns: 192},
	{rows: 21, columns: 333},
	{rows: 20, columns: 832},
];

const titleOf = (codec: Codec, parameters: Parameters): string => `${codec.id} ${JSON.stringify(parameters)}`;

const cases = shapes.flatMap(shape => [...codecs.values()].flatMap(codec => codec.options(shape).map(parameters => ({shape, codec, parameters}))));

function encode(codec: Codec, parameters: Parameters, shape: Shape): Encoded<Parameters> & {readonly decoded: Float32Array} {
	const parts = codec.encode(trainedWeight(shape, 7), parameters);
	return {codec, parameters, shape, parts, decoded: codec.decode(parts, shape, parameters, 0, shape.rows)};
}

test('every codec has an option for every shape, the fewest bytes first', t => {
	for (const codec of codecs.values()) {
		for (const shape of shapes) {
			const bytes = codec.options(shape).map(parameters => codec.layout(shape, parameters).reduce((sum, part) => sum + part.bytes, 0));
			t.true(bytes.length > 0, codec.id);
			t.deepEqual(
				bytes,
				[...bytes].sort((a, b) => a - b),
				codec.id,
			);
		}
	}
});

test('the parts have the bytes that the layout says, and are the same each time', t => {
	for (const {codec, parameters, shape} of cases) {
		const first = codec.encode(trainedWeight(shape, 7), parameters);
		t.deepEqual(
			first.map(part => part.length),
			codec.layout(shape, parameters).map(part => part.bytes),
			titleOf(codec, parameters),
		);
		t.deepEqual(codec.encode(trainedWeight(shape, 7), parameters), first, titleOf(codec, parameters));
	}
});

test('rows decoded alone equal rows decoded together', t => {
	for (const {codec, parameters, shape} of cases) {
		const {parts, decoded} = encode(codec, parameters, shape);
		const at = Math.floor(shape.rows / 2);
		t.deepEqual(codec.decode(parts, shape, parameters, at, 1), decoded.slice(at * shape.columns, (at + 1) * shape.columns), titleOf(codec, parameters));
	}
});

test('the error falls as bits grow, by a factor that rounding explains', t => {
	const shape = {rows: 64, columns: 384};
	const weight = trainedWeight(shape, 3);
	for (const group of [32, 64, 128]) {
		const errors = [2, 3, 4, 5, 6, 7, 8].map(bits => measure(codecs.get(bits < 4 ? 'planes' : 'scalar')!, {bits, group}, weight, {sampleRows: 64}));
		for (let i = 1; i < errors.length; i++) {
			const ratio = errors[i - 1]! / errors[i]!;
			t.true(ratio > 2.5 && ratio < 8, `group ${group}, ${i + 1} to ${i + 2} bits: ${ratio}`);
		}
	}

	const dense = codecs.get('dense')!;
	t.is(measure(dense, {dtype: 'float32'}, weight, {sampleRows: 64}), 0);
	const half = measure(dense, {dtype: 'float16'}, weight, {sampleRows: 64});
	t.true(half > 0 && half < measure(codecs.get('scalar')!, {bits: 8, group: 32}, weight, {sampleRows: 64}) / 10);
});

test('matvec is decode times the input, within the rounding of its form', t => {
	for (const {codec, parameters, shape} of cases) {
		const encoded = encode(codec, parameters, shape);
		const x = normal(shape.columns, 11);
		const y = matvec(encoded, x);
		for (let r = 0; r < shape.rows; r++) {
			const {sum, magnitude} = dot(encoded.decoded, x, r * shape.columns, 0, shape.columns);
			const bound = matvecBound(encoded, x, r) + 1e-5 * magnitude;
			t.true(Math.abs(y[r]! - sum) <= bound, `${titleOf(codec, parameters)} ${shape.rows}×${shape.columns} row ${r}: ${y[r]} against ${sum} ± ${bound}`);
		}
	}
});

test('tile is decode times every token, within the rounding of its form and whatever their number', t => {
	for (const {codec, parameters, shape} of cases) {
		const encoded = encode(codec, parameters, shape);
		for (const tokens of [1, 3, 6]) {
			const x = normal(tokens * shape.columns, 13);
			const y = tile(encoded, x);
			for (let token = 0; token < tokens; token++) {
				for (let r = 0; r < shape.rows; r++) {
					const {sum, magnitude} = dot(encoded.decoded, x, r * shape.columns, token * shape.columns, shape.columns);
					const vector = x.subarray(token * shape.columns, (token + 1) * shape.columns);
					const bound = tileBound(encoded, vector, r);
					if (!(Math.abs(y[token * shape.rows + r]! - sum) <= bound + 1e-5 * magnitude)) {
						t.fail(`${titleOf(codec, parameters)} ${shape.rows}×${shape.columns} token ${token} row ${r}: ${y[token * shape.rows + r]} against ${sum}`);
					}
				}
			}

			t.deepEqual(tile(encoded, x.slice(0, shape.columns)), y.slice(0, shape.rows), titleOf(codec, parameters));
		}
	}
});

test('the largest codes and inputs, all of one sign, overflow no sum', t => {
	const shape = {rows: 16, columns: 2112};
	// One weight in 32 is next to zero, in steps of the finest codes; the others are as far from their zero points as codes go.
	for (const sign of [1, -1]) {
		const weight = weightOf(
			Float32Array.from({length: shape.rows * shape.columns}, (_, at) => sign * (at % 32 === 0 ? ((at >> 5) % 9) / 255 : 1)),
			shape,
		);
		const x = new Float32Array(shape.columns).fill(sign);
		for (const codec of codecs.values()) {
			for (const parameters of codec.options(shape)) {
				const parts = codec.encode(weight, parameters);
				const decoded = codec.decode(parts, shape, parameters, 0, shape.rows);
				const encoded = {codec, parameters, shape, parts};
				for (const y of [matvec(encoded, x), tile(encoded, x)]) {
					for (const [r, value] of y.entries()) {
						const {sum, magnitude} = dot(decoded, x, r * shape.columns, 0, shape.columns);
						t.true(magnitude > 300 && Math.abs(value - sum) < 0.01 * magnitude, `${titleOf(codec, parameters)}: ${value} against ${sum}`);
					}
				}
			}
		}
	}
});

test('tile adds a bias to every token, rounded once more', t => {
	for (const {codec, parameters, shape} of cases) {
		const encoded = encode(codec, parameters, shape);
		const x = normal(5 * shape.columns, 17);
		const bias = normal(shape.rows, 19);
		const plain = tile(encoded, x);
		t.deepEqual(
			tile(encoded, x, bias),
			plain.map((y, index) => y + bias[index % shape.rows]!),
			titleOf(codec, parameters),
		);
	}
});

test('row is a row of decode, bit for bit, and refuses an id outside', t => {
	for (const {codec, parameters, shape} of cases) {
		const encoded = encode(codec, parameters, shape);
		const ids = [shape.rows - 1, 0, Math.floor(shape.rows / 2), -1, -shape.rows];
		const expected = ids.flatMap(id => {
			const at = id < 0 ? id + shape.rows : id;
			return [...encoded.decoded.subarray(at * shape.columns, (at + 1) * shape.columns)];
		});
		t.deepEqual([...row(encoded, ids)], expected, `${titleOf(codec, parameters)} ${shape.rows}×${shape.columns}`);
		t.throws(() => row(encoded, [shape.rows]), {instanceOf: WebAssembly.RuntimeError});
		t.throws(() => row(encoded, [-1 - shape.rows]), {instanceOf: WebAssembly.RuntimeError});
	}
});

test('a large weight keeps the laws across the jobs of its encoder', t => {
	const shape = {rows: 2050, columns: 1030};
	for (const [id, parameters] of [
		['planes', {bits: 3, group: 64}],
		['scalar', {bits: 4, group: 64}],
		['scalar', {bits: 7, group: 128}],
	] as const) {
		const codec = codecs.get(id)!;
		const encoded = encode(codec, parameters, shape);
		const weight = trainedWeight(shape, 7);
		const wanted = weight.read(0, shape.rows);
		const step = {3: 0.4, 4: 0.2, 7: 0.03}[parameters.bits];
		let worst = 0;
		let square = 0;
		for (let i = 0; i < wanted.length; i++) {
			worst = Math.max(worst, Math.abs(wanted[i]! - encoded.decoded[i]!));
			square += wanted[i]! ** 2;
		}

		t.true(worst < 4 * step, `${id}: ${worst}`);
		t.true(measure(codec, parameters, weight, {sampleRows: shape.rows}) / square < step ** 2 / 4, id);
		const x = normal(shape.columns, 5);
		const y = matvec(encoded, x);
		for (const r of [0, 1023, 2049]) {
			const {sum, magnitude} = dot(encoded.decoded, x, r * shape.columns, 0, shape.columns);
			t.true(Math.abs(y[r]! - sum) <= matvecBound(encoded, x, r) + 1e-5 * magnitude, id);
		}
	}
});
