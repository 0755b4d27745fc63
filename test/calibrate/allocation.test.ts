/** Other ways to decide between codes: losses measured on the model, and layers by rank. */
import test from 'ava';
import {allocate, findOptions, totalOf, type Candidates} from '../../compiler/allocate/allocate.js';
import {rankBy, zScores} from '../../compiler/allocate/importance.js';
import {findWeights} from '../../compiler/allocate/weights.js';
import {openCalibrated} from '../../compiler/calibrate/factor.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {measureLayerInputs} from '../../compiler/calibrate/layer-input.js';
import {measureCodes} from '../../compiler/calibrate/measure-codes.js';
import {codecs} from '../../compiler/codecs/index.js';
import {float32} from '../../compiler/graph/tensor.js';
import {openCache} from '../../compiler/jobs/cache.js';
import {openPool, type Pool} from '../../compiler/jobs/pool.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {tiny} from '../helpers/tiny-language-model.js';
import {calibrateTiny, divergenceBetween, openTiny, POSITIONS, runTiny, textOf, withConstants} from './tiny.js';

const windows = [3, 11, 17].map(seed => textOf(seed, 100));

test('measured losses are those of the model with one weight encoded, and a cache keeps them', async t => {
	const {typed, weights, model, calibration} = await calibrateTiny(t, windows);
	const pool = openPool(1);
	t.teardown(async () => pool.close());
	const candidates = await findOptions(weights, {codecs: ['planes'], bits: 3, calibration}, pool);
	const kept = {cache: openCache(temporaryFolder(t)), identity: 'tiny'};
	const measured = await measureCodes(model, {candidates, calibration, windows, pool, kept});
	for (const {weight, options} of measured) {
		t.true(options.length > 1);
		for (const {codec: id, parameters, loss, cost} of options) {
			const codec = codecs.get(id)!;
			const values = codec.decode(codec.encode(openCalibrated(weight, calibration.get(weight.name)), parameters), weight, parameters, 0, weight.rows);
			const caused = divergenceBetween(windows, typed.graph, withConstants(typed.graph, new Map(weight.uses.map(use => [use, values]))));
			t.true(Math.abs(loss - caused) < 1e-3 * caused + 1e-7, `${weight.name}: ${loss} for ${caused}`);
			t.is(cost, loss);
		}
	}

	const refuse: Pool = {
		...pool,
		run() {
			throw new Error('nothing is left to encode');
		},
	};
	t.deepEqual(await measureCodes(model, {candidates, calibration, windows, pool: refuse, kept}), measured);
});

test("a layer's score is the cosine between what its norm reads and what the next norm reads", async t => {
	const typed = openTiny(t);
	const weights = findWeights(typed.graph);
	const scores = await measureLayerInputs(floatModel(typed, weights, POSITIONS), windows);
	const norms = typed.graph.nodes.filter(({op}) => /Norm/.test(op)).map(({inputs}) => inputs[0]!);
	t.true(norms.length > 2);
	const states = windows.map(ids => norms.map(name => runTiny({...typed.graph, outputs: [...typed.graph.outputs, name]}, ids).get(name)!.data as Float32Array));
	const dot = (a: number, b: number): number => states.reduce((sum, of) => sum + of[a]!.reduce((total, value, index) => total + value * of[b]![index]!, 0), 0);
	const expected = norms.slice(1).map((_, index) => -dot(index, index + 1) / Math.sqrt(dot(index, index) * dot(index + 1, index + 1)));
	const found = [...new Set(scores.values())].filter(Number.isFinite);
	t.is(found.length, expected.length);
	for (const [index, score] of expected.entries()) {
		t.true(Math.abs(found[index]! - score) < 1e-5, `${found[index]} for ${score}`);
	}

	// The embedding, the head, and the matrix that a rotation puts before the head have no layer.
	const outside = weights.filter(({name}) => scores.get(name) === Infinity);
	const isTable = (uses: readonly string[]): boolean => typed.graph.nodes.some(({op, inputs}) => op === 'snug.Embedding' && uses.includes(inputs[1]!));
	t.true(outside.length > 0 && outside.length < weights.length);
	t.true(outside.every(({name, rows, uses}) => isTable(uses) || rows === tiny.vocabulary || name === 'logits/gain'));
});

const weightOf = (name: string, values: readonly number[]) => ({
	name,
	rows: 1,
	columns: values.length,
	constant: {dtype: 'float32' as const, dims: [1, values.length], read: () => float32([1, values.length], values).data},
	uses: [name],
	products: 1,
});

test('the z-score is the share of elements a deviation above the mean, negated', t => {
	const scores = zScores([
		weightOf('even', [-1, 1, -1, 1, -1, 1, -1, 1]),
		weightOf('one', [0, 0, 0, 0, 0, 0, 0, 8]),
		weightOf('two', [0, 0, 0, 0, 0, 0, 8, 8]),
	]);
	t.deepEqual(
		[...scores],
		[
			['even', -0],
			['one', -1 / 8],
			['two', -2 / 8],
		],
	);
});

test('by rank, the most important weights are a bit ahead of the others, and no weight is two', t => {
	const elements = 64;
	const names = ['a', 'b', 'c', 'd'];
	const candidates: Candidates = names.map(name => ({
		weight: {...weightOf(name, []), columns: elements},
		options: [2, 3, 4, 5].flatMap(bits =>
			[1, 2].map(error => ({codec: `${bits}-${error}`, parameters: {bits}, bytes: (bits * elements) / 8, loss: error * 4 ** -bits, time: 0, cost: 0})),
		),
	}));
	const ranked = rankBy(
		new Map([
			['a', 1],
			['b', Infinity],
			['c', -1],
			['d', 0],
		]),
		candidates,
	);
	const bitsAt = (bits: number): number[] => allocate(ranked, (bits * elements * names.length) / 8)!.map(({parameters}) => Number(parameters['bits']));
	t.deepEqual(bitsAt(2), [2, 2, 2, 2]);
	t.deepEqual(bitsAt(2.25), [2, 3, 2, 2]);
	t.deepEqual(bitsAt(2.5), [3, 3, 2, 2]);
	t.deepEqual(bitsAt(3.75), [4, 4, 3, 4]);
	t.deepEqual(bitsAt(4.25), [4, 5, 4, 4]);
	// Of equal bytes the better code.
	t.true(allocate(ranked, 4 * elements)!.every(({codec}) => codec.endsWith('-1')));
	t.true(totalOf(allocate(ranked, 4 * elements)!).loss < 1);
});
