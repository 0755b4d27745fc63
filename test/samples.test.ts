/** Samples of a model's inputs from a .npz: how they are cut, what is refused, what a calibration and an evaluation make of them. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {findWeights} from '../compiler/allocate/weights.js';
import {calibrate} from '../compiler/calibrate/calibrate.js';
import {floatModel} from '../compiler/calibrate/float-program.js';
import {SnugError} from '../compiler/error.js';
import {float32, int64, type Tensor} from '../compiler/graph/tensor.js';
import {writeNpz} from '../compiler/numpy.js';
import {importModel} from '../compiler/onnx/import.js';
import {optimize} from '../compiler/passes/optimize.js';
import {inputsOf, readSamples, type Inputs} from '../compiler/samples.js';
import {buildModel} from './helpers/build-model.js';
import {snug} from './helpers/command-line.js';
import {randomNumbers} from './helpers/random.js';
import {floats, node} from './helpers/run-passes.js';
import {temporaryFolder} from './helpers/temporary.js';

const inputs: Inputs = {
	inputs: [
		{name: 'pixels', dtype: 'float32', shape: [{batch: 1}, 3, {width: 1}]},
		{name: 'ids', dtype: 'int64', shape: [2, 2], rows: 5},
		{name: 'rate', dtype: 'float32', shape: []},
		{name: 'frames', dtype: 'float32', shape: [{frames: 1}, 2]},
	],
	symbols: {batch: {min: 1, max: 4}, width: {min: 1, max: 8}, frames: {min: 1, max: 9}},
};

const counted = (dims: readonly number[]): Tensor =>
	float32(
		dims,
		Array.from({length: dims.reduce((a, b) => a * b, 1)}, (_, index) => index),
	);

const arrays: Readonly<Record<string, Tensor>> = {
	pixels: counted([3, 3, 4]),
	ids: int64([6, 2], [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]),
	rate: float32([], [7]),
	frames: counted([3, 1, 2]),
};

function save(t: ExecutionContext, tensors: Readonly<Record<string, Tensor>>): string {
	const file = path.join(temporaryFolder(t), 'samples.npz');
	writeFileSync(file, writeNpz(new Map(Object.entries(tensors))));
	return file;
}

test('samples lie along the first dimension, or along one of their own; what has none is shared', t => {
	const samples = readSamples(save(t, arrays), '--samples', inputs);
	t.is(samples.length, 3);
	t.deepEqual(samples[1], {
		symbols: {batch: 1, width: 4, frames: 1},
		tensors: new Map<string, Tensor>([
			['pixels', float32([1, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23])],
			['ids', int64([2, 2], [4, 0, 1, 2])],
			['rate', float32([], [7])],
			['frames', float32([1, 2], [2, 3])],
		]),
	});
	const stacked = readSamples(
		save(t, {pixels: counted([2, 4, 3, 2]), ids: int64([2, 2, 2], [0, 1, 2, 3, 4, 0, 1, 2]), rate: float32([2], [7, 8]), frames: counted([2, 5, 2])}),
		'',
		inputs,
	);
	t.deepEqual(
		stacked.map(({symbols, tensors}) => [symbols, tensors.get('pixels')!.dims, tensors.get('rate')]),
		[7, 8].map(rate => [{batch: 4, width: 2, frames: 5}, [4, 3, 2], float32([], [rate])]),
	);
});

const wrong: Readonly<Record<string, readonly [change: Readonly<Record<string, Tensor | undefined>>, message: RegExp]>> = {
	'a missing array': [
		{rate: undefined},
		/no array for input 'rate'.*expected 'pixels' float32 \[batch, 3, width\], 'ids' int64 \[2, 2\].*found pixels, ids, frames.*savez/s,
	],
	'a strange array': [{mask: float32([1], [1])}, /array 'mask'.*no such input/],
	'another type': [{ids: counted([6, 2])}, /'ids'.*expected 'ids' int64 \[2, 2\].*found float32/],
	'another number of dimensions': [{pixels: counted([36])}, /'pixels'.*expected 'pixels' float32 \[batch, 3, width\].*found \[36\]/],
	'other dimensions': [{pixels: counted([3, 2, 4])}, /'pixels'.*expected \[batch, 3, width\].*found \[1, 2, 4\]/],
	'a first dimension that is no batch': [
		{frames: counted([7, 2])},
		/'frames'.*expected 'frames' float32 \[frames, 2\], with all samples along one more dimension in front.*found \[7, 2\]/,
	],
	'part of a sample': [{ids: int64([5, 2], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])}, /'ids'.*multiple of 2.*found 5/],
	'another number of samples': [{ids: int64([4, 2], [0, 0, 0, 0, 0, 0, 0, 0])}, /3 of 'pixels', 2 of 'ids'/],
	'no sample': [{pixels: counted([0, 3, 4]), ids: int64([0, 2], []), frames: counted([0, 1, 2])}, /no sample/],
	'an id outside its table': [{ids: int64([6, 2], [0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 0, 1])}, /'ids'.*element 5.*expected 0 to 4.*found 5/],
	'a symbol out of range': [{pixels: counted([3, 3, 9])}, /'pixels'.*width is out of range.*expected 1 to 8.*found 9/],
};

for (const [title, [change, message]] of Object.entries(wrong)) {
	test(`${title} is refused`, t => {
		const changed = Object.fromEntries(Object.entries({...arrays, ...change}).filter(([, tensor]) => tensor)) as Record<string, Tensor>;
		const error = t.throws(() => readSamples(save(t, changed), '--samples', inputs), {instanceOf: SnugError});
		t.regex(error.message, /^--samples '[^']*samples\.npz'/);
		t.regex(error.message, message);
	});
}

test('a file that is not there is refused', t => {
	t.throws(() => readSamples('nowhere.npz', '--samples', inputs), {instanceOf: SnugError, message: /nowhere\.npz/});
});

const [WIDTH, INNER] = [64, 96];

/** Two layers on vectors that no text says. */
const model = buildModel({
	opsets: {'': 17},
	inputs: {features: ['float32', ['batch', 'frames', WIDTH]]},
	outputs: {y: ['float32', [null, null, null]]},
	initializers: {up: floats([WIDTH, INNER], 1, 0.2), down: floats([INNER, WIDTH], 2, 0.2)},
	nodes: [node('MatMul', ['features', 'up'], 'u'), node('Relu', ['u'], 'r'), node('MatMul', ['r', 'down'], 'y')],
});

/** Vectors of few directions, as of pictures and sounds. */
function features(count: number, seed: number): Tensor {
	const directions = randomNumbers(6 * WIDTH, 3, 1);
	const amounts = randomNumbers(count * 16 * 6, seed, 1);
	return float32(
		[count, 16, WIDTH],
		Array.from({length: count * 16 * WIDTH}, (_, index) => {
			const [vector, column] = [Math.floor(index / WIDTH), index % WIDTH];
			return Array.from({length: 6}, (_unused, at) => amounts[6 * vector + at]! * directions[at * WIDTH + column]!).reduce((a, b) => a + b, 0);
		}),
	);
}

test('a calibration on samples adds up what their products read', async t => {
	const {graph, ...typed} = optimize(importModel({bytes: model}));
	const weights = findWeights(graph);
	const read = features(4, 5);
	const samples = readSamples(save(t, {features: read}), '--calibration', inputsOf(graph));
	const calibration = await calibrate(floatModel({graph, ...typed}, weights, 0), samples);
	const up = weights.find(({columns}) => columns === WIDTH)!;
	const {gram} = calibration.get(up.name)!;
	const data = read.data as Float32Array;
	for (const [i, j] of [
		[0, 0],
		[5, 17],
		[63, 2],
	] as const) {
		const expected = Array.from({length: 64}, (_, vector) => data[vector * WIDTH + i]! * data[vector * WIDTH + j]!).reduce((a, b) => a + b, 0) / 64;
		t.true(Math.abs(gram[i * WIDTH + j]! - expected) < 1e-5 * (1 + Math.abs(expected)), `${i} ${j}`);
	}
});

test('a model that reads no text is calibrated on samples, and evaluated on others', async t => {
	const folder = temporaryFolder(t);
	const [file, seen, held] = ['model.onnx', 'seen.npz', 'held.npz'].map(name => path.join(folder, name)) as [string, string, string];
	writeFileSync(file, model);
	writeFileSync(seen, writeNpz(new Map([['features', features(32, 7)]])));
	writeFileSync(held, writeNpz(new Map([['features', features(8, 9)]])));
	const compile = async (name: string, ...options: readonly string[]) => {
		const output = path.join(folder, name);
		const {status, stderr} = await snug(['compile', file, '--dim', 'frames=16', '--bits', '3', '--codecs', 'planes', '-o', output, ...options]);
		t.is(stderr, '');
		t.is(status, 0);
		const {stdout, ...ended} = await snug(['eval', output, '--samples', held, '--against', file, '--json']);
		t.deepEqual(ended, {status: 0, stderr: ''});
		return JSON.parse(stdout) as {outputs: ReadonlyArray<{name: string; cosine: number; largestDifference: number}>; samples: number; bytes: number};
	};
	const [rounded, calibrated] = [await compile('rounded'), await compile('calibrated', '--calibration', seen)];
	t.is(calibrated.samples, 8);
	t.deepEqual(
		calibrated.outputs.map(({name}) => name),
		['y'],
	);
	const loss = ({outputs}: typeof rounded): number => 1 - outputs[0]!.cosine;
	t.log(`1 - cosine ${loss(rounded)}, calibrated ${loss(calibrated)}`);
	t.true(loss(calibrated) < 0.5 * loss(rounded) && loss(calibrated) > 0);
	t.true(calibrated.outputs[0]!.largestDifference < rounded.outputs[0]!.largestDifference);

	const counted = await snug([
		'compile',
		file,
		'--dim',
		'frames=16',
		'--bits',
		'3',
		'-o',
		path.join(folder, 'counted'),
		'--calibration',
		seen,
		'--calibration-tokens',
		'512',
	]);
	t.is(counted.status, 1);
	t.regex(counted.stderr, /a calibration of 512 tokens: has no text.*found arrays, '[^']*seen\.npz'.*leave out --calibration-tokens/s);

	// A bundle of other dimensions than a model has by default is compared with a model of the same.
	const pairs = path.join(folder, 'pairs');
	t.is((await snug(['compile', file, '--dim', 'batch=2', '--dim', 'frames=8..2000', '--bits', '8', '-o', pairs])).status, 0);
	const paired = await snug(['eval', pairs, '--samples', held, '--against', file, '--json']);
	t.like(JSON.parse(paired.stdout), {samples: 4});

	const printed = await snug(['eval', file, '--samples', held, '--against', file]);
	t.regex(printed.stdout, /y: cosine +1\.000000\ny: largest difference +0\.00\nsamples +8\nmemory /);
});
