/** The choice of codes under a budget, against brute force and its dual; and weights that a model stores twice. */
import {existsSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {allocate, findOptions, smallest, type Candidates, type Option} from '../compiler/allocate/allocate.js';
import {choose, hull, type Choices} from '../compiler/allocate/choose.js';
import {prices} from '../compiler/allocate/preference.js';
import {protect} from '../compiler/allocate/protect.js';
import {findWeights, type GraphWeight} from '../compiler/allocate/weights.js';
import {openPool} from '../compiler/jobs/pool.js';
import {importBounded} from '../compiler/bounds.js';
import {compile} from '../compiler/compile.js';
import {SnugError} from '../compiler/error.js';
import {float32, type Tensor} from '../compiler/graph/tensor.js';
import {optimize} from '../compiler/passes/optimize.js';
import {buildModel, type ModelSpec, type NodeSpec} from './helpers/build-model.js';
import {createRandom, randomNumbers, type Random} from './helpers/random.js';
import {temporaryFolder} from './helpers/temporary.js';

type Sum = {readonly bytes: number; readonly loss: number};

/** Whole numbers, so that sums and comparisons are exact. */
const randomChoices = (random: Random): Choices =>
	Array.from({length: random.integer(1, 5)}, () =>
		Array.from({length: random.integer(1, 5)}, () => ({bytes: random.integer(1, 40), loss: random.integer(0, 200)})),
	);

const sumOf = (choices: Choices, chosen: readonly number[]): Sum => ({
	bytes: chosen.reduce((sum, option, index) => sum + choices[index]![option]!.bytes, 0),
	loss: chosen.reduce((sum, option, index) => sum + choices[index]![option]!.loss, 0),
});

const everyChoice = (choices: Choices): Sum[] =>
	choices.reduce<Sum[]>(
		(sums, options) => sums.flatMap(({bytes, loss}) => options.map(option => ({bytes: bytes + option.bytes, loss: loss + option.loss}))),
		[{bytes: 0, loss: 0}],
	);

/** The smallest loss within the budget, over all combinations. */
const optimum = (sums: readonly Sum[], budget: number): number | undefined =>
	sums.filter(({bytes}) => bytes <= budget).reduce<number | undefined>((best, {loss}) => (best === undefined || loss < best ? loss : best), undefined);

/**
 * The price of a byte at which what every weight would buy for itself just costs the budget, among all prices at which a weight changes
 * its mind; and the most that one weight's change of mind at that price is worth.
 */
function priceOf(choices: Choices, budget: number): {price: number; bound: number; step: number} {
	const prices = choices.flatMap(options =>
		options.flatMap(a => options.flatMap(b => (b.bytes > a.bytes && b.loss < a.loss ? [(a.loss - b.loss) / (b.bytes - a.bytes)] : []))),
	);
	const dual = (price: number): number =>
		choices.reduce((sum, options) => sum + Math.min(...options.map(({bytes, loss}) => loss + price * bytes)), -price * budget);
	const price = [0, ...prices].reduce((best, next) => (dual(next) > dual(best) + 1e-9 ? next : best));
	const steps = choices.map(options => {
		const cost = Math.min(...options.map(({bytes, loss}) => loss + price * bytes));
		const losses = options.filter(({bytes, loss}) => Math.abs(loss + price * bytes - cost) < 1e-9).map(({loss}) => loss);
		return Math.max(...losses) - Math.min(...losses);
	});
	return {price, bound: dual(price), step: Math.max(...steps)};
}

const CASES = 400;

test('the choice keeps within the budget, and there is none only when nothing fits', t => {
	const random = createRandom(31);
	for (let index = 0; index < CASES; index++) {
		const choices = randomChoices(random);
		const sums = everyChoice(choices);
		const least = Math.min(...sums.map(({bytes}) => bytes));
		for (const budget of [least - 1, least, least + random.integer(1, 30), random.integer(0, 200), Infinity]) {
			const chosen = choose(choices, budget);
			t.is(chosen === undefined, budget < least);
			if (chosen) {
				t.is(chosen.length, choices.length);
				t.true(sumOf(choices, chosen).bytes <= budget);
			}
		}
	}
});

test('the choice loses less than one step of one weight beside the best of all combinations', t => {
	// Sinha and Zoltners 1979: the steps taken are the linear relaxation's, but for a part of the one at the price where the budget ends.
	const random = createRandom(32);
	let best = 0;
	let total = 0;
	for (let index = 0; index < CASES; index++) {
		const choices = randomChoices(random);
		const sums = everyChoice(choices);
		for (const budget of Array.from({length: 6}, () => random.integer(1, 40 * choices.length))) {
			const chosen = choose(choices, budget);
			if (!chosen) {
				continue;
			}

			const {loss} = sumOf(choices, chosen);
			const wanted = optimum(sums, budget)!;
			const {bound, step} = priceOf(choices, budget);
			t.true(bound <= wanted + 1e-6, 'the dual is a lower bound');
			t.true(loss <= bound + step + 1e-6, `${loss} for ${wanted}: more than ${step} above ${bound}`);
			t.true(step === 0 ? loss === wanted : loss - wanted < step, `${loss} for ${wanted}, step ${step}: ${JSON.stringify(choices)}, ${budget}`);
			best += loss === wanted ? 1 : 0;
			total++;
		}
	}

	t.log(`${best} of ${total} choices are the best there is`);
	t.true(best > total / 2);
});

test('with room for everything the choice is the best option of each weight, at its fewest bytes', t => {
	const random = createRandom(33);
	for (let index = 0; index < CASES; index++) {
		const choices = randomChoices(random);
		const chosen = choose(choices, Infinity)!;
		for (const [weight, options] of choices.entries()) {
			const {bytes, loss} = options[chosen[weight]!]!;
			t.is(loss, Math.min(...options.map(option => option.loss)));
			t.is(bytes, Math.min(...options.filter(option => option.loss === loss).map(option => option.bytes)));
		}
	}
});

test('a larger budget never loses more', t => {
	const random = createRandom(34);
	for (let index = 0; index < CASES; index++) {
		const choices = randomChoices(random);
		let last = Infinity;
		for (let budget = 0; budget <= 40 * choices.length; budget++) {
			const chosen = choose(choices, budget);
			const loss = chosen ? sumOf(choices, chosen).loss : Infinity;
			t.true(loss <= last, `${loss} after ${last} at ${budget}: ${JSON.stringify(choices)}`);
			last = loss;
		}
	}
});

test('the hull keeps the options that are the best at some price, fewest bytes first', t => {
	const random = createRandom(35);
	for (let index = 0; index < CASES; index++) {
		const [options] = randomChoices(random) as [Choices[number]];
		const points = hull(options);
		for (const [at, point] of points.entries()) {
			t.deepEqual({bytes: point.bytes, loss: point.loss}, options[point.option]);
			const [before, after] = [points[at - 1], points[at + 1]];
			t.true(!before || (before.bytes < point.bytes && before.loss > point.loss));
			if (before && after) {
				t.true((before.loss - point.loss) * (after.bytes - point.bytes) >= (point.loss - after.loss) * (point.bytes - before.bytes), JSON.stringify(options));
			}
		}

		for (let price = 0; price < 60; price += 0.37) {
			const cost = ({bytes, loss}: Sum): number => loss + price * bytes;
			t.is(Math.min(...points.map(cost)), Math.min(...options.map(cost)));
		}
	}
});

const pool = openPool(1);

const weightOf = (name: string, rows: number, columns: number, seed: number): GraphWeight => {
	const data = Float32Array.from(randomNumbers(rows * columns, seed, 0.05));
	return {name, rows, columns, uses: [name], products: 1, constant: {dtype: 'float32', dims: [rows, columns], read: () => data}};
};

test('the codes of real weights: the smallest fit exactly, one byte less does not, and more bytes lose less', async t => {
	const candidates = await findOptions([weightOf('a', 48, 96, 1), weightOf('b', 16, 64, 2), weightOf('c', 100, 32, 3)], {}, pool);
	const least = smallest(candidates);
	const bytes = least.reduce((sum, option) => sum + option.bytes, 0);
	t.is(allocate(candidates, bytes - 1), undefined);
	t.deepEqual(
		allocate(candidates, bytes)?.map(option => option.bytes),
		least.map(option => option.bytes),
	);
	const all = allocate(candidates, Infinity)!;
	t.deepEqual(
		all.map(({codec, parameters, loss}) => ({codec, parameters, loss})),
		all.map(() => ({codec: 'dense', parameters: {dtype: 'float32'}, loss: 0})),
	);
	for (const {options} of candidates) {
		const sorted = options.filter(({codec}) => codec === 'planes').toSorted((a, b) => Number(a.parameters['bits']) - Number(b.parameters['bits']));
		t.true(sorted[0]!.loss > 3 * sorted.at(-1)!.loss);
	}
});

test('large errors of the logits of rare tokens cost what exponentials of normal errors do, and those of all tokens what their squares do', async t => {
	const shape = {rows: 64, columns: 128};
	const data = Float32Array.from(randomNumbers(shape.rows * shape.columns, 5, 0.4));
	const weight = {
		...weightOf('head', shape.rows, shape.columns, 5),
		constant: {dtype: 'float32' as const, dims: [shape.rows, shape.columns], read: () => data},
	};
	const losses = async (probability: number, logits: boolean): Promise<number[]> => {
		const sensitivities = new Map([['head', probability / (2 * shape.rows)]]);
		const [candidate] = await findOptions([weight], {sensitivities, codecs: ['planes', 'scalar'], ...(logits && {logits: new Set(['head'])})}, pool);
		return candidate!.options.map(({loss}) => loss);
	};

	const normal = randomNumbers(20_000, 3);
	const probability = 0.001;
	const small = await losses(probability, false);
	const found = await losses(probability, true);
	let largest = 0;
	for (const [index, loss] of small.entries()) {
		const deviation = Math.sqrt((2 * loss) / probability);
		const mean = (of: (error: number) => number): number => normal.reduce((sum, error) => sum + of(deviation * error), 0) / normal.length;
		// The divergence of predictions of which some, of so much probability together, have such errors.
		const divergence = Math.log(1 - probability + probability * mean(Math.exp)) - probability * mean(error => error);
		largest = Math.max(largest, deviation);
		t.true(Math.abs(found[index]! / divergence - 1) < 0.1, `${found[index]} against ${divergence}, deviation ${deviation}`);
	}

	t.true(largest > 1.2, `${largest}`);
	t.deepEqual(await losses(1, true), await losses(1, false));
});

test('a preference for speed pays with loss, in the bytes of the budget, and asks nothing of tables', async t => {
	const weights = [weightOf('a', 48, 256, 1), weightOf('b', 64, 256, 2), {...weightOf('table', 200, 64, 3), products: 0}];
	// Losses as small as those of a model that is barely hurt.
	const sensitivities = new Map(weights.map(({name}) => [name, 1e-3]));
	const choose = async (prefer: 'quality' | 'speed') => {
		const candidates = await findOptions(weights, {sensitivities, prefer, stepwise: true, codecs: ['planes', 'scalar']}, pool);
		const budget = candidates.reduce((sum, {options}) => sum + options.find(({parameters}) => parameters['bits'] === 8)!.bytes, 0);
		const chosen = allocate(candidates, budget)!;
		const total = (of: (option: Option) => number): number => chosen.reduce((sum, option) => sum + of(option), 0);
		t.true(total(({bytes}) => bytes) <= budget);
		return {table: chosen[2]!, time: total(({time}) => time), loss: total(({loss}) => loss), cost: total(({cost}) => cost)};
	};

	const [quality, speed] = [await choose('quality'), await choose('speed')];
	t.is(quality.cost, quality.loss);
	t.true(speed.cost > speed.loss);
	t.true(speed.time < 0.7 * quality.time, `${speed.time} against ${quality.time}`);
	t.true(speed.loss > quality.loss);
	t.is(speed.table.time, 0);
	t.true(speed.table.loss <= quality.table.loss);
	t.true(speed.loss - quality.loss < prices.speed.language * (quality.time / speed.time - 1) * 2);
});

test('a preference for speed without losses that are measured is refused', async t => {
	const source = fileURLToPath(new URL('models/books-3m/model.onnx', import.meta.url));
	const output = path.join(temporaryFolder(t), 'out');
	await t.throwsAsync(compile(source, {output, prefer: 'speed'}), {message: /the preference 'speed'.*found no calibration; add --calibration sample/});
	await t.throwsAsync(compile(source, {output, prefer: 'speed', calibration: 'sample', bits: 4}), {message: /found 4 bits; give --budget instead/});
	t.false(existsSync(output));
});

test('wishes that nothing can meet are refused with what there is', async t => {
	const weights = [weightOf('a', 48, 96, 1)];
	await t.throwsAsync(findOptions(weights, {codecs: ['planes', 'zip']}, pool), {
		message: /^codec 'zip': there is none of that name: expected dense, planes, scalar/,
	});
	await t.throwsAsync(findOptions(weights, {bits: 9}, pool), {message: /^weight 'a' \[48, 96\]: no code of dense, .* fits it with 9 bits; name more codecs/});
	await t.throwsAsync(findOptions(weights, {bits: 3, codecs: ['scalar']}, pool), {message: /no code of scalar fits it with 3 bits/});
	for (const bits of [2, 3, 4, 5, 6, 7, 8, 16, 32]) {
		const [candidate] = await findOptions(weights, {bits}, pool);
		t.true(
			candidate!.options.every(({parameters}) => parameters['bits'] === bits || parameters['dtype'] === `float${bits}`),
			`${bits}`,
		);
	}

	const controller = new AbortController();
	controller.abort();
	await t.throwsAsync(findOptions(weights, {signal: controller.signal}, pool), {any: true, name: 'AbortError'});
});

test('the tied table of books-3m is one weight with two uses', t => {
	const {graph} = importBounded(fileURLToPath(new URL('models/books-3m/model.onnx', import.meta.url)));
	const weights = findWeights(optimize(graph).graph);
	t.is(weights.filter(({uses}) => uses.length > 1).length, 1);
	const table = weights.find(({uses}) => uses.length > 1)!;
	t.is(table.uses.length, 2);
	t.is(table.columns, 256);
	t.is(weights.filter(({rows, columns}) => rows === table.rows && columns === table.columns).length, 1);
});

const [VOCABULARY, HIDDEN] = [1100, 64];
const tableOf = (seed: number): Tensor => float32([VOCABULARY, HIDDEN], randomNumbers(VOCABULARY * HIDDEN, seed));
const transposed = ({dims, data}: Tensor): Tensor => {
	const [rows, columns] = dims as [number, number];
	return float32(
		[columns, rows],
		Array.from({length: rows * columns}, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)] as number),
	);
};

const model = (initializers: ModelSpec['initializers'], head: readonly NodeSpec[]): Uint8Array =>
	buildModel({
		inputs: {ids: ['int64', [1, 'sequence']]},
		outputs: {logits: ['float32', [1, 'sequence', VOCABULARY]]},
		initializers: {...initializers, square: float32([HIDDEN, HIDDEN], randomNumbers(HIDDEN * HIDDEN, 9, 0.1))},
		nodes: [{op: 'Gather', inputs: ['table', 'ids'], outputs: ['rows']}, {op: 'MatMul', inputs: ['rows', 'square'], outputs: ['hidden']}, ...head],
	});

const product: NodeSpec = {op: 'MatMul', inputs: ['hidden', 'head'], outputs: ['logits']};
const turn = (table: string): NodeSpec => ({op: 'Transpose', inputs: [table], outputs: ['head'], attributes: {perm: [1, 0]}});
const table = tableOf(7);

for (const [title, bytes, tied] of [
	['the table itself, transposed by a node', model({table}, [turn('table'), product]), true],
	['a second copy of the table', model({table, copy: tableOf(7)}, [turn('copy'), product]), true],
	['a transposed copy of the table', model({table, head: transposed(table)}, [product]), true],
	['another table of the same shape', model({table, head: transposed(tableOf(8))}, [product]), false],
] as const) {
	test(`a head that is ${title} is ${tied ? 'found once' : 'a weight of its own'}`, t => {
		const file = path.join(temporaryFolder(t), 'model.onnx');
		writeFileSync(file, bytes);
		const weights = findWeights(optimize(importBounded(file, {dims: {sequence: {min: 1, max: 8}}}).graph).graph);
		const tables = weights.filter(({rows}) => rows === VOCABULARY);
		t.deepEqual(
			tables.map(({uses}) => uses.length),
			tied ? [2] : [1, 1],
		);
		t.deepEqual(weights.length - tables.length, 1);
	});
}

/** Four weights, each of which counts more than the one before: planes of 2 and 3 bits, scalar of 4, and trellis of 2 and 3, which lose half as much and take three times as long. */
const raced = Array.from({length: 4}, (_, index): Candidates[number] => {
	const option = (codec: string, bits: number, loss: number, time: number): Option => ({
		codec,
		parameters: {bits},
		bytes: 100 * bits,
		loss: loss * (index + 1),
		time,
		cost: loss * (index + 1),
	});
	return {
		weight: weightOf(`w${index}`, 16, 64, index),
		options: [option('planes', 2, 8, 10), option('planes', 3, 2, 15), option('scalar', 4, 0.5, 20), option('trellis', 2, 4, 40), option('trellis', 3, 1, 40)],
	};
});
const timeOf = (options: readonly Option[]): number => options.reduce((sum, {time}) => sum + time, 0);
const lossOf = (options: readonly Option[]): number => options.reduce((sum, {loss}) => sum + loss, 0);

test('slow codecs may take as much longer as one has patience, and are worth it', t => {
	for (const budget of [800, 900, 1000, 1200, 1400, 1600]) {
		const fast = allocate(raced, budget, {times: 1, candidates: raced})!;
		const best = allocate(raced, budget)!;
		for (const times of [1, 1.5, 2, 3, 10, Infinity]) {
			const chosen = allocate(raced, budget, {times, candidates: raced})!;
			t.true(timeOf(chosen) <= times * timeOf(fast), `${budget} ${times}`);
			t.true(chosen.reduce((sum, {bytes}) => sum + bytes, 0) <= budget);
			t.true(lossOf(chosen) <= lossOf(fast) && lossOf(chosen) >= lossOf(best));
		}

		t.true(fast.every(({codec}) => codec !== 'trellis'));
		t.deepEqual(allocate(raced, budget, {times: Infinity, candidates: raced}), best);
	}

	const chosen = allocate(raced, 1200, {times: 1.7, candidates: raced})!;
	t.true(chosen.some(({codec}) => codec === 'trellis') && chosen.some(({codec}) => codec !== 'trellis'));
});

test('patience is measured by all codecs, also where some are left out, or are too large without slow ones', t => {
	const without = (...names: readonly string[]): Candidates =>
		raced.map(({weight, options}) => ({weight, options: options.filter(({codec}) => !names.includes(codec))}));
	// Without planes nothing is fast enough: what is fastest in these bytes has to do.
	const left = without('planes');
	const fastest = 20 + 3 * 40;
	t.is(timeOf(allocate(left, 1000, {times: 1.5, candidates: raced})!), fastest);
	t.true(timeOf(allocate(left, 1000, {times: 1.1, candidates: left})!) <= 1.1 * fastest);
});

const offers = (names: readonly string[], bits: readonly number[]): Candidates =>
	names.map(name => ({
		weight: {name, rows: 8, columns: 100} as GraphWeight,
		options: bits.map(width => ({codec: `of ${width}`, parameters: {}, bytes: 100 * width + 8, loss: 1 / width, cost: 1 / width, time: 1})),
	}));

test('protected weights get 8 bits at least, the others what is left', t => {
	const names = ['head', 'layers.0.up', 'layers.1.up', 'layers.1.down'];
	const protectedOnes = protect(offers(names, [2, 4, 8, 32]), ['head', 'layers.1*']);
	t.deepEqual(
		protectedOnes.map(({options}) => options.map(({codec}) => codec)),
		[
			['of 8', 'of 32'],
			['of 2', 'of 4', 'of 8', 'of 32'],
			['of 8', 'of 32'],
			['of 8', 'of 32'],
		],
	);
	t.deepEqual(
		allocate(protectedOnes, 3 * 808 + 450)!.map(({codec}) => codec),
		['of 8', 'of 4', 'of 8', 'of 8'],
	);
	t.is(allocate(protectedOnes, 3 * 808 + 100), undefined);
	// Nothing but * is more than itself in a name.
	t.throws(() => protect(offers(names, [8]), ['layers?0?up']), {instanceOf: SnugError, message: /--protect 'layers\?0\?up'.*head, layers\.0\.up/s});
	t.throws(() => protect(offers(names, [2, 4]), ['head']), {instanceOf: SnugError, message: /'head'.*at least 8 bits.*of 2, of 4/s});
});
