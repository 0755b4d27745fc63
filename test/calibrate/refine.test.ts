/** The sequential pass: the encoded model is nearer to the f32 one than with each code chosen by itself, and the bytes are the layout's. */
import test from 'ava';
import {BLOCK_FLOAT, FLOAT} from '../../compiler/calibrate/arithmetic.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {kullbackLeibler, logSumExp} from '../../compiler/evaluate.js';
import {calibrate} from '../../compiler/calibrate/calibrate.js';
import {openCalibrated} from '../../compiler/calibrate/factor.js';
import type {Calibration} from '../../compiler/calibrate/statistics.js';
import {refine, type Encoded} from '../../compiler/calibrate/refine.js';
import type {Choice} from '../../compiler/jobs/job.js';
import {codecs} from '../../compiler/codecs/index.js';
import type {Graph} from '../../compiler/graph/graph.js';
import {tiny} from '../helpers/tiny-language-model.js';
import {calibrateTiny, logitsOf, POSITIONS, textOf, withConstants} from './tiny.js';

const seeds = [3, 11, 17, 29];
const windows = seeds.map(seed => textOf(seed, 80));
const held = [41, 43].map(seed => textOf(seed, 80));

/** The second is that of large models; its loss is as exact as its numbers. */
const ways = [
	['in f32', FLOAT, 1e-3],
	['in block floating point', BLOCK_FLOAT, 1e-2],
] as const;

for (const [title, arithmetic, rounding] of ways) {
	test(`the encoded model is nearer to the exact one, ${title}`, async t => {
		const {typed, weights, model, calibration} = await calibrateTiny(t, windows, arithmetic);
		const choices: Choice[] = weights.map(({constant: {guarded}}) =>
			guarded ? {codec: 'scalar', parameters: {bits: 8, group: 64}} : {codec: 'planes', parameters: {bits: 3, group: 32}},
		);
		const alone = (statistics: Calibration): Encoded =>
			new Map(
				weights.map((weight, index) => [
					weight.name,
					codecs.get(choices[index]!.codec)!.encode(openCalibrated(weight, statistics.get(weight.name)), choices[index]!.parameters),
				]),
			);
		const steps: number[] = [];
		const {parts: refined, loss} = await refine(model, choices, calibration, {seen: windows, held}, {onProgress: done => steps.push(done)});
		// Six products a layer and the gain; the table, which is the head too, comes first.
		t.deepEqual(
			steps,
			Array.from({length: 6 * tiny.layers + 1}, (_, index) => index),
		);
		for (const [index, {name, rows, columns}] of weights.entries()) {
			const {codec, parameters} = choices[index]!;
			t.deepEqual(
				refined.get(name)!.map(({length}) => length),
				codecs
					.get(codec)!
					.layout({rows, columns}, parameters)
					.map(({bytes}) => bytes),
				name,
			);
		}

		const graphOf = (encoded: Encoded): Graph =>
			withConstants(
				typed.graph,
				new Map(
					weights.flatMap(({name, rows, columns, uses}, index) => {
						const {codec, parameters} = choices[index]!;
						const values = codecs.get(codec)!.decode(encoded.get(name)!, {rows, columns}, parameters, 0, rows);
						return uses.map(use => [use, values] as const);
					}),
				),
			);

		/** The divergence of the last half of the tokens held out. */
		const lossOf = (graph: Graph): number => {
			const rows = held.flatMap(ids => {
				const [a, b] = [logitsOf(typed.graph, ids), logitsOf(graph, ids)];
				return Array.from({length: ids.length / 2}, (_, index) => {
					const [start, end] = [0, 1].map(next => (ids.length / 2 + index + next) * tiny.vocabulary) as [number, number];
					return kullbackLeibler(a.subarray(start, end), b.subarray(start, end), logSumExp(b.subarray(start, end)));
				});
			});
			return rows.reduce((sum, value) => sum + value, 0) / rows.length;
		};

		const distance = (encoded: Encoded, seeds: readonly number[]): number =>
			seeds.reduce((sum, seed) => {
				const ids = textOf(seed, 60);
				const [a, b] = [logitsOf(typed.graph, ids), logitsOf(graphOf(encoded), ids)];
				return sum + a.reduce((total, value, index) => total + (value - b[index]!) ** 2, 0);
			}, 0);
		// So few tokens say what helps on them, hardly what feedback alone does on others: two texts would be a matter of luck.
		const others = Array.from({length: 24}, (_, index) => 51 + 2 * index);
		for (const texts of [seeds, others]) {
			const [rounded, fed, inOrder] = [alone(new Map()), alone(calibration), refined].map(each => distance(each, texts)) as [number, number, number];
			t.true(texts === others || fed < 0.9 * rounded, `${fed} of ${rounded}`);
			t.true(inOrder < 0.95 * fed, `${inOrder} of ${fed}`);
			t.true(inOrder < 0.9 * rounded, `${inOrder} of ${rounded}`);
		}

		t.deepEqual(await refine(model, choices, calibration, {seen: windows, held}), {parts: refined, loss});
		t.is((await refine(model, choices, calibration, {seen: windows, held: []})).loss, undefined);
		t.true(Math.abs(loss! / lossOf(graphOf(refined)) - 1) < rounding, `${loss} and ${lossOf(graphOf(refined))}`);
		// Threads share the work, and change nothing.
		const shared = floatModel(typed, weights, POSITIONS, {threads: 3, arithmetic});
		t.deepEqual(await calibrate(shared, windows), calibration);
		t.deepEqual(await refine(shared, choices, calibration, {seen: windows, held}), {parts: refined, loss});
	});
}
