/** Models without a state: a fixed length, batches, a product of the first vector only, and outputs that later nodes read. */
import test from 'ava';
import {findWeights} from '../../compiler/allocate/weights.js';
import {calibrate} from '../../compiler/calibrate/calibrate.js';
import {floatModel, tokensOf} from '../../compiler/calibrate/float-program.js';
import {refine} from '../../compiler/calibrate/refine.js';
import type {Choice} from '../../compiler/jobs/job.js';
import {measureSensitivities} from '../../compiler/calibrate/sensitivity.js';
import {codecs} from '../../compiler/codecs/index.js';
import {float32, int64, type Tensor} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import {optimize} from '../../compiler/passes/optimize.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {runReference} from '../../compiler/reference/run.js';
import {buildModel} from '../helpers/build-model.js';
import {floats, node} from '../helpers/run-passes.js';
import {withConstants} from './tiny.js';

const [VOCABULARY, WIDTH, INNER, LENGTH] = [40, 64, 96, 16];

/** The hidden state of the first layer is an output, which the second layer reads; a classifier sees the first vector. */
function open(batch: number, length: number | 'sequence'): TypedGraph {
	const layer = (index: number, x: string, y: string) => [
		node('LayerNormalization', [x, 'gain', 'shift'], `n${index}`, {axis: -1}),
		node('MatMul', [`n${index}`, `up${index}`], `u${index}`),
		node('Relu', [`u${index}`], `r${index}`),
		node('MatMul', [`r${index}`, `down${index}`], `d${index}`),
		node('Add', [x, `d${index}`], y),
	];
	const weights = [0, 1].flatMap(index => [
		[`up${index}`, floats([WIDTH, INNER], 10 + index, 0.2)] as const,
		[`down${index}`, floats([INNER, WIDTH], 20 + index, 0.2)] as const,
	]);
	const bytes = buildModel({
		opsets: {'': 17},
		inputs: {input_ids: ['int64', [batch, length]]},
		outputs: {hidden: ['float32', [null, null, null]], classes: ['float32', [null, null]]},
		initializers: {
			table: floats([VOCABULARY, WIDTH], 1),
			gain: float32([WIDTH], new Array<number>(WIDTH).fill(1)),
			shift: float32([WIDTH], new Array<number>(WIDTH).fill(0)),
			first: int64([], [0]),
			classifier: floats([WIDTH, 32], 3),
			...Object.fromEntries(weights),
		},
		nodes: [
			node('Gather', ['table', 'input_ids'], 'x'),
			...layer(0, 'x', 'hidden'),
			...layer(1, 'hidden', 'y'),
			node('Gather', ['y', 'first'], 'cls', {axis: 1}),
			node('MatMul', ['cls', 'classifier'], 'classes'),
		],
	});
	return optimize(importModel({bytes}, {maxSequence: LENGTH}));
}

const windows = Array.from({length: 64}, (_, window) =>
	Array.from({length: LENGTH}, (_unused, index) => (index * index * (2 * window + 3) + 7 * window * index + 3 * index + window) % VOCABULARY),
);

const classesOf = (graph: TypedGraph['graph'], ids: readonly number[], batch: number): Float32Array =>
	runReference(graph, new Map<string, Tensor>([['input_ids', int64([batch, ids.length], Array.from({length: batch}, () => ids).flat())]]), {
		sequence: ids.length,
	}).get('classes')!.data as Float32Array;

for (const [batch, length] of [
	[1, LENGTH],
	[3, LENGTH],
	[1, 'sequence'],
] as const) {
	test(`${batch} × ${length}: every product counts its own vectors, exact codes stay exact, coarse ones gain`, async t => {
		const typed = open(batch, length);
		t.deepEqual(tokensOf(typed), {most: LENGTH, fixed: length === LENGTH});
		const weights = findWeights(typed.graph);
		const model = floatModel(typed, weights, LENGTH);
		const calibration = await calibrate(model, windows);
		for (const {name, rows} of weights.filter(weight => calibration.has(weight.name))) {
			// Of vectors that are nearly normal, the sample is about as large as their number.
			const share = calibration.get(name)!.sampleSize / (windows.length * batch * (rows === 32 ? 1 : LENGTH));
			t.true(share > 0.5 && share < 2, `${name}: ${share}`);
		}

		t.is(calibration.size, 5);
		t.true([...(await measureSensitivities(model, calibration, windows)).values()].every(value => value > 0 && Number.isFinite(value)));

		const decoded = async (choice: Choice): Promise<ReadonlyMap<string, Float32Array>> => {
			const {parts, loss} = await refine(
				model,
				weights.map(() => choice),
				calibration,
				{seen: windows.slice(2), held: windows.slice(0, 2)},
			);
			t.true(choice.codec === 'dense' ? loss! < 1e-9 : loss! > 1e-6, `${loss}`);
			return new Map(
				weights.flatMap(weight => {
					const values = codecs.get(choice.codec)!.decode(parts.get(weight.name)!, weight, choice.parameters, 0, weight.rows);
					return weight.uses.map(use => [use, values] as const);
				}),
			);
		};

		for (const [name, values] of await decoded({codec: 'dense', parameters: {dtype: 'float32'}})) {
			t.deepEqual(values, typed.graph.constants.get(name)!.read() as Float32Array, name);
		}

		const choice: Choice = {codec: 'planes', parameters: {bits: 3, group: 32}};
		const rounded = new Map(
			weights.flatMap(weight => {
				const exact = typed.graph.constants.get(weight.uses[0]!)!.read() as Float32Array;
				const read = (first: number, count: number): Float32Array => exact.slice(first * weight.columns, (first + count) * weight.columns);
				const codec = codecs.get('planes')!;
				const values = codec.decode(codec.encode({...weight, read}, choice.parameters), weight, choice.parameters, 0, weight.rows);
				return weight.uses.map(use => [use, values] as const);
			}),
		);
		const refined = await decoded(choice);
		const distance = (changed: ReadonlyMap<string, Float32Array>): number =>
			[29, 31, 37].reduce((sum, seed) => {
				const ids = Array.from({length: LENGTH}, (_, index) => (index * seed + index * index) % VOCABULARY);
				const [a, b] = [classesOf(typed.graph, ids, batch), classesOf(withConstants(typed.graph, changed), ids, batch)];
				return sum + a.reduce((total, value, index) => total + (value - b[index]!) ** 2, 0);
			}, 0);
		t.true(distance(refined) < distance(rounded), `${distance(refined)} of ${distance(rounded)}`);
	});
}

test('an input that a text does not fill is refused by name', t => {
	const bytes = buildModel({
		opsets: {'': 17},
		inputs: {pixels: ['float32', [1, 'width']]},
		outputs: {y: ['float32', [null, null]]},
		initializers: {},
		nodes: [node('Neg', ['pixels'], 'y')],
	});
	t.throws(() => tokensOf(optimize(importModel({bytes}))), {message: /pixels.*input_ids/});
});
