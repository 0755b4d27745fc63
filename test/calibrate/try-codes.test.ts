/** What codes of one weight do to predictions, against the interpreter: of bands of a table that a run has words of or not, tied to the head or not. */
import test from 'ava';
import {findWeights} from '../../compiler/allocate/weights.js';
import {BLOCK_FLOAT, FLOAT} from '../../compiler/calibrate/arithmetic.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {tryCodes} from '../../compiler/calibrate/try-codes.js';
import {kullbackLeibler, logSumExp} from '../../compiler/evaluate.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {int64, zeros, type Tensor} from '../../compiler/graph/tensor.js';
import {importBounded} from '../../compiler/bounds.js';
import {importModel} from '../../compiler/onnx/import.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {optimize, transform} from '../../compiler/passes/optimize.js';
import {runReference} from '../../compiler/reference/run.js';
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {buildModel, type ModelSpec} from '../helpers/build-model.js';
import {randomNumbers} from '../helpers/random.js';
import {floats, node} from '../helpers/run-passes.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {tiny, tinyLanguageModelSpec} from '../helpers/tiny-language-model.js';
import {withConstants} from './tiny.js';

/** A table is cut into bands from 2,048 rows on; its first band has a sixteenth of them. */
const [VOCABULARY, FIRST_BAND, LENGTH] = [2304, 144, 24];

/** Words of the first band, but for one in the last window. */
const windows = [3, 5, 11].map((seed, window) =>
	Array.from({length: LENGTH}, (_, index) => (window === 2 && index === 3 ? 2000 : (index * index * seed + 7 * index + seed) % FIRST_BAND)),
);

type Model = {
	readonly typed: TypedGraph;
	readonly positions: number;
	/** How far the predictions of a graph are from those of the model. */
	distance(graph: Graph, ids: readonly number[]): number;
};

/** With a state. @param tied Whether the table makes the logits, too. */
function languageModel(file: string, tied: boolean): Model {
	const spec = tinyLanguageModelSpec();
	const changed: ModelSpec = {
		...spec,
		outputs: {...spec.outputs, logits: ['float32', ['batch_size', 'sequence_length', VOCABULARY]]},
		initializers: {
			...spec.initializers,
			table: floats([VOCABULARY, tiny.hidden], 11, 0.3),
			...(tied ? {} : {head: floats([tiny.hidden, VOCABULARY], 12, 0.3)}),
		},
		nodes: spec.nodes.map(one => (!tied && one.name === 'head' ? {...one, inputs: ['normed', 'head']} : one)),
	};
	writeFileSync(file, buildModel(changed));
	const typed = transform(optimize(importBounded(file, {maxSequence: 128}).graph), ['band-tables']);
	const logitsOf = (graph: Graph, ids: readonly number[]): Float32Array[] => {
		const {length} = ids;
		const feeds = new Map<string, Tensor>([
			['input_ids', int64([1, length], ids)],
			['position_ids', int64([1, length], [...ids.keys()])],
			...graph.states.map(({input}) => [input, zeros('float32', [1, tiny.kvHeads, 0, tiny.width])] as const),
		]);
		const logits = runReference(graph, feeds, {past: 0, sequence: length}).get('logits')!.data as Float32Array;
		return Array.from({length: length / 2}, (_, row) => logits.subarray((length / 2 + row) * VOCABULARY, (length / 2 + row + 1) * VOCABULARY));
	};
	return {
		typed,
		positions: 128,
		distance(graph, ids) {
			const [exact, other] = [logitsOf(typed.graph, ids), logitsOf(graph, ids)];
			return exact.reduce((sum, row, index) => sum + kullbackLeibler(row, other[index]!, logSumExp(other[index]!)), 0) / exact.length;
		},
	};
}

/** Without a state: logits are made in the entry itself, and what comes out early is not made anew behind it. */
function encoder(): Model {
	const width = 32;
	const bytes = buildModel({
		opsets: {'': 17},
		inputs: {input_ids: ['int64', [1, LENGTH]]},
		outputs: {early: ['float32', [null, null, null]], logits: ['float32', [null, null, null]]},
		initializers: {
			table: floats([VOCABULARY, width], 1, 0.5),
			first: floats([width, width], 2, 0.3),
			second: floats([width, width], 3, 0.3),
		},
		nodes: [
			node('Gather', ['table', 'input_ids'], 'x'),
			node('MatMul', ['x', 'first'], 'early'),
			node('Relu', ['x'], 'r'),
			node('MatMul', ['r', 'second'], 'y'),
			node('Transpose', ['table'], 'turned', {perm: [1, 0]}),
			node('MatMul', ['y', 'turned'], 'logits'),
		],
	});
	const typed = transform(optimize(importModel({bytes})), ['band-tables']);
	const outputsOf = (graph: Graph, ids: readonly number[]): Float32Array => {
		const outputs = runReference(graph, new Map([['input_ids', int64([1, LENGTH], ids)]]), {});
		return Float32Array.from(['early', 'logits'].flatMap(name => [...(outputs.get(name)!.data as Float32Array)]));
	};
	return {
		typed,
		positions: 0,
		distance(graph, ids) {
			const [exact, other] = [outputsOf(typed.graph, ids), outputsOf(graph, ids)];
			const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
			return squares(exact.map((value, index) => value - other[index]!)) / (2 * squares(exact));
		},
	};
}

const models: Readonly<Record<string, (file: string) => Model>> = {
	'with a state and a tied head': file => languageModel(file, true),
	'with a state and a head of its own': file => languageModel(file, false),
	'without a state, tied, with an early output': encoder,
};

const cases = Object.entries(models).flatMap(([title, open]) => [
	{title: `${title}, in f32`, open, arithmetic: FLOAT, rounding: 0},
	{title: `${title}, in block floating point`, open, arithmetic: BLOCK_FLOAT, rounding: 0.02},
]);

for (const {title, open, arithmetic, rounding} of cases) {
	test(`${title}: every weight's loss is that of the interpreter`, async t => {
		const {typed, positions, distance} = open(path.join(temporaryFolder(t), 'model.onnx'));
		const weights = findWeights(typed.graph);
		t.is(weights.filter(({rows}) => rows >= FIRST_BAND && rows < VOCABULARY && rows % FIRST_BAND === 0).length, 8);
		const asked = (name: string): boolean => /table|head|turned|layers\.[02]\.(?:q|down)|first|second/.test(name);
		let tried = 0;
		await tryCodes(floatModel(typed, weights, positions, {arithmetic}), windows, (weight, lossOf) => {
			if (!asked(weight.name)) {
				return;
			}

			const exact = weight.constant.read() as Float32Array;
			const errors = randomNumbers(exact.length, tried + 1, 0.1);
			const values = exact.map((value, index) => value + errors[index]!);
			const graph = withConstants(typed.graph, new Map(weight.uses.map(use => [use, values])));
			const expected = windows.reduce((sum, ids) => sum + distance(graph, ids), 0) / windows.length;
			const actual = lossOf(values);
			t.true(Math.abs(actual - expected) <= (0.01 + rounding) * expected + 1e-7, `${weight.name}: ${actual}, expected ${expected}`);
			// The same values again give the same, whatever ran between.
			t.is(lossOf(exact), 0, weight.name);
			t.is(lossOf(values), actual, weight.name);
			tried++;
		});
		t.true(tried >= 10, `${tried} weights`);
	});
}

test('rows are tried on as many runs as it takes for sixteen of their words', async t => {
	const length = 128;
	const {typed, positions, distance} = languageModel(path.join(temporaryFolder(t), 'model.onnx'), true);
	const weights = findWeights(typed.graph);
	/** Of the first band there are so many words in each, of the second all others. The one in the middle comes first. */
	const counts = [10, 9, 128];
	const texts = counts.map((count, text) =>
		Array.from({length}, (_, index) => ((index * 55) % length < count ? 0 : FIRST_BAND) + ((index * index + 7 * index + text) % FIRST_BAND)),
	);
	const runs = new Map([
		['table.rows0', [1, 0]],
		[`table.rows${FIRST_BAND}`, [1]],
		[`table.rows${2 * FIRST_BAND}`, [1, 0, 2]],
	]);
	await tryCodes(floatModel(typed, weights, positions), texts, (weight, lossOf) => {
		const chosen = runs.get(weight.name);
		if (chosen === undefined) {
			return;
		}

		const errors = randomNumbers(weight.rows * weight.columns, 1, 0.1);
		const values = (weight.constant.read() as Float32Array).map((value, index) => value + errors[index]!);
		const graph = withConstants(typed.graph, new Map(weight.uses.map(use => [use, values])));
		const expected = chosen.reduce((sum, text) => sum + distance(graph, texts[text]!), 0) / chosen.length;
		const actual = lossOf(values);
		t.true(Math.abs(actual - expected) <= 0.01 * expected + 1e-7, `${weight.name}: ${actual}, expected ${expected}`);
		runs.delete(weight.name);
	});
	t.is(runs.size, 0);
});
