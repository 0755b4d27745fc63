/** The laws of dimensions, on random expressions beside plain arithmetic. */
import test from 'ava';
import {
	add,
	ceilDivide,
	divideExactly,
	equal,
	evaluate,
	floorDivide,
	fold,
	isNumber,
	keyOf,
	lessOrEqual,
	maximum,
	minimum,
	modulo,
	multiply,
	negate,
	parse,
	range,
	substitute,
	subtract,
	symbol,
	symbolsOf,
	type Bounds,
	type Dim,
} from '../compiler/graph/dim.js';
import {createRandom, type Random} from './helpers/random.js';

type Values = Readonly<Record<string, number>>;

/** A dimension, and what it means. */
type Pair = {readonly dim: Dim; value(values: Values): number};

const names = ['a', 'b', 'past', 'sequence'];

const CASES = 600;

const floored = (a: number, b: number): number => Math.floor(a / b);

const operators: Readonly<Record<string, {make(a: Dim, b: Dim): Dim; mean(a: number, b: number): number; positive?: true}>> = {
	add: {make: add, mean: (a, b) => a + b},
	subtract: {make: subtract, mean: (a, b) => a - b},
	multiply: {make: multiply, mean: (a, b) => a * b},
	floorDivide: {make: floorDivide, mean: floored, positive: true},
	ceilDivide: {make: ceilDivide, mean: (a, b) => Math.ceil(a / b), positive: true},
	modulo: {make: modulo, mean: (a, b) => a - b * floored(a, b), positive: true},
	minimum: {make: minimum, mean: Math.min},
	maximum: {make: maximum, mean: Math.max},
};

function leaf(random: Random): Pair {
	const name = random.pick(names);
	const number = random.integer(-6, 12);
	return random.next() < 0.6 ? {dim: symbol(name), value: values => values[name]!} : {dim: number, value: () => number};
}

/** Dividing by what is at least 1, as shapes do. */
function divisor(random: Random, depth: number): Pair {
	const number = random.integer(1, 9);
	if (random.next() < 0.6) {
		return {dim: number, value: () => number};
	}

	const {dim, value} = expression(random, depth);
	return {dim: maximum(dim, number), value: values => Math.max(value(values), number)};
}

function expression(random: Random, depth: number): Pair {
	if (depth === 0) {
		return leaf(random);
	}

	const {make, mean, positive} = random.pick(Object.values(operators));
	const left = expression(random, depth - 1);
	const right = positive ? divisor(random, depth - 1) : expression(random, random.integer(0, depth - 1));
	return {dim: make(left.dim, right.dim), value: values => mean(left.value(values), right.value(values))};
}

const bind = (random: Random, bounds: Bounds = {}): Values =>
	Object.fromEntries(names.map(name => [name, random.integer(bounds[name]?.min ?? 0, Math.min(bounds[name]?.max ?? 40, 40))]));

/** Zero has no sign here. */
const plain = (value: number): number => value + 0;

test('an expression has the value of its operations on the values', t => {
	const random = createRandom(1);
	for (let index = 0; index < CASES; index++) {
		const {dim, value} = expression(random, random.integer(1, 4));
		for (let turn = 0; turn < 4; turn++) {
			const values = bind(random);
			t.is(evaluate(dim, values), plain(value(values)), `${keyOf(dim)} at ${JSON.stringify(values)}`);
		}
	}
});

test('one operation on two expressions is that operation on their values', t => {
	const random = createRandom(2);
	for (const [name, {make, mean, positive}] of Object.entries(operators)) {
		for (let index = 0; index < 100; index++) {
			const left = expression(random, 2);
			const right = positive ? divisor(random, 2) : expression(random, 2);
			const values = bind(random);
			t.is(
				evaluate(make(left.dim, right.dim), values),
				plain(mean(evaluate(left.dim, values), evaluate(right.dim, values))),
				`${name}(${keyOf(left.dim)}, ${keyOf(right.dim)}) at ${JSON.stringify(values)}`,
			);
		}
	}
});

test('sums and products that are equal as polynomials print the same', t => {
	const random = createRandom(3);
	for (let index = 0; index < CASES; index++) {
		const [a, b, c] = [expression(random, 2).dim, expression(random, 2).dim, expression(random, 2).dim];
		const laws: ReadonlyArray<readonly [Dim, Dim]> = [
			[add(a, b), add(b, a)],
			[multiply(a, b), multiply(b, a)],
			[add(add(a, b), c), add(a, add(b, c))],
			[multiply(multiply(a, b), c), multiply(a, multiply(b, c))],
			[multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c))],
			[add(a, 0), a],
			[multiply(a, 1), a],
			[multiply(a, 0), 0],
			[subtract(a, a), 0],
			[negate(negate(a)), a],
			[subtract(add(a, b), b), a],
			[modulo(multiply(a, 7), 7), 0],
			[floorDivide(multiply(a, 7), 7), a],
		];
		for (const [law, [left, right]] of laws.entries()) {
			t.is(keyOf(left), keyOf(right), `law ${law}: ${keyOf(a)}; ${keyOf(b)}; ${keyOf(c)}`);
			t.true(equal(left, right));
		}
	}
});

test('equal keys are equal values: different values have different keys', t => {
	const random = createRandom(4);
	const seen = new Map<string, readonly number[]>();
	const points = Array.from({length: 6}, () => bind(random));
	for (let index = 0; index < 4 * CASES; index++) {
		const {dim} = expression(random, random.integer(0, 2));
		const values = points.map(point => evaluate(dim, point));
		t.deepEqual(seen.get(keyOf(dim)) ?? values, values, keyOf(dim));
		seen.set(keyOf(dim), values);
	}

	t.true(seen.size > CASES);
});

test('what a dimension prints is read back as the same dimension', t => {
	const random = createRandom(5);
	for (let index = 0; index < CASES; index++) {
		const {dim} = expression(random, random.integer(0, 4));
		const read = parse(keyOf(dim));
		t.is(read === undefined ? undefined : keyOf(read), keyOf(dim));
	}
});

test('what exporters write is read, and what is no expression is not', t => {
	const [past, sequence] = [symbol('past_sequence_length'), symbol('sequence_length')];
	for (const [text, dim] of [
		['past_sequence_length + sequence_length', add(past, sequence)],
		['sequence_length*(past_sequence_length + 1)', multiply(sequence, add(past, 1))],
		['floor(sequence_length/2 + 1/2)', add(floorDivide(sequence, 2), 0)],
		['(sequence_length - 3)//4 + 1', add(floorDivide(subtract(sequence, 3), 4), 1)],
		['Min(sequence_length, 512)', minimum(sequence, 512)],
		['max(1, sequence_length)', maximum(1, sequence)],
		['-sequence_length + 7', subtract(7, sequence)],
		['encoder.layer:0', symbol('encoder.layer:0')],
	] as const) {
		const read = parse(text);
		t.is(read === undefined ? undefined : keyOf(read), keyOf(dim), text);
	}

	for (const text of ['', 'a +', '(a', 'a b', '3 4', 'a & b', 'floor(a', 'min(a)', 'sqrt(a, b)', 'a..b c', '?', '*a']) {
		t.is(parse(text), undefined, text);
	}
});

test('replacing a symbol is binding it to the value of what replaces it', t => {
	const random = createRandom(6);
	for (let index = 0; index < CASES; index++) {
		const {dim} = expression(random, 3);
		// Symbols are not negative, so neither is what stands for one.
		const replacement = maximum(expression(random, 2).dim, 0);
		const values = bind(random);
		const replaced = substitute(dim, {past: replacement});
		t.is(
			evaluate(replaced, values),
			evaluate(dim, {...values, past: evaluate(replacement, values)}),
			`${keyOf(dim)} with past = ${keyOf(replacement)} at ${JSON.stringify(values)}`,
		);
	}
});

test('a symbol without a value is named', t => {
	const dim = add(multiply(symbol('past'), 3), floorDivide(symbol('sequence'), 4));
	t.deepEqual(symbolsOf(dim).sort(), ['past', 'sequence']);
	t.throws(() => evaluate(dim, {past: 2}), {instanceOf: RangeError, message: /sequence not given$/});
	t.is(keyOf(substitute(dim, {sequence: 9})), '3*past + 2');
});

test('folding an expression gives its value', t => {
	const random = createRandom(7);
	const means = {
		add: operators['add']!,
		multiply: operators['multiply']!,
		floordiv: operators['floorDivide']!,
		mod: operators['modulo']!,
		min: operators['minimum']!,
		max: operators['maximum']!,
	};
	for (let index = 0; index < CASES; index++) {
		const {dim} = expression(random, 3);
		const values = bind(random);
		const folded = fold<number>(dim, {number: value => value, symbol: name => values[name]!, binary: (kind, left, right) => means[kind].mean(left, right)});
		t.is(plain(folded), evaluate(dim, values), keyOf(dim));
	}
});

function randomBounds(random: Random): Bounds {
	return Object.fromEntries(
		names.map(name => {
			const min = random.integer(0, 6);
			return [name, {min, max: min + random.integer(0, 20)}];
		}),
	);
}

test('the range encloses every value, and comparing agrees with it', t => {
	const random = createRandom(8);
	let decided = 0;
	for (let index = 0; index < CASES; index++) {
		const bounds = randomBounds(random);
		const [left, right] = [expression(random, random.integer(0, 3)).dim, expression(random, random.integer(0, 3)).dim];
		const {min, max} = range(left, bounds);
		const ordered = lessOrEqual(left, right, bounds);
		decided += ordered === undefined ? 0 : 1;
		for (let turn = 0; turn < 12; turn++) {
			const values = bind(random, bounds);
			const value = evaluate(left, values);
			t.true(min <= value && value <= max, `${keyOf(left)} is ${value} at ${JSON.stringify(values)}, outside ${min} to ${max}`);
			if (ordered !== undefined) {
				t.is(value <= evaluate(right, values), ordered, `${keyOf(left)} <= ${keyOf(right)} at ${JSON.stringify(values)}`);
			}
		}
	}

	t.true(decided > CASES / 10, `${decided}`);
});

test('the range encloses without bounds too: symbols are any number from 0', t => {
	const random = createRandom(9);
	for (let index = 0; index < CASES; index++) {
		const {dim} = expression(random, 3);
		const {min, max} = range(dim, {});
		for (let turn = 0; turn < 6; turn++) {
			const values = bind(random);
			const value = evaluate(dim, values);
			t.true(min <= value && value <= max, `${keyOf(dim)} is ${value} at ${JSON.stringify(values)}, outside ${min} to ${max}`);
		}
	}
});

test('a range is exact for a sum of symbols with whole coefficients', t => {
	const dim = add(multiply(3, symbol('a')), multiply(-2, symbol('b')), 5);
	t.deepEqual(range(dim, {a: {min: 1, max: 4}, b: {min: 0, max: 10}}), {min: -12, max: 17});
	t.deepEqual(range(7, {}), {min: 7, max: 7});
	t.is(range(symbol('a'), {}).max, Infinity);
});

test('a bound of a sum of symbols bounds what contains the sum', t => {
	const bounds: Bounds = {past: {min: 0, max: 63}, sequence: {min: 1, max: 64}, 'past + sequence': {min: 1, max: 64}};
	const total = add(symbol('past'), symbol('sequence'));
	t.deepEqual(range(total, bounds), {min: 1, max: 64});
	t.deepEqual(range(multiply(total, 12), bounds), {min: 12, max: 768});
	t.deepEqual(range(subtract(10, total), bounds), {min: -54, max: 9});
	t.is(lessOrEqual(total, 64, bounds), true);
	t.is(lessOrEqual(total, 63, bounds), undefined);
	// The sum and something beside it.
	t.deepEqual(range(add(total, multiply(2, symbol('a'))), {...bounds, a: {min: 0, max: 5}}), {min: 1, max: 74});
	const random = createRandom(10);
	for (let index = 0; index < CASES; index++) {
		const {dim} = expression(random, 3);
		const {min, max} = range(dim, bounds);
		const sequence = random.integer(1, 64);
		const values = {a: random.integer(0, 40), b: random.integer(0, 40), sequence, past: random.integer(0, 64 - sequence)};
		const value = evaluate(dim, values);
		t.true(min <= value && value <= max, `${keyOf(dim)} is ${value} at ${JSON.stringify(values)}, outside ${min} to ${max}`);
	}
});

test('an exact quotient times the divisor is the dividend', t => {
	const random = createRandom(11);
	let found = 0;
	for (let index = 0; index < 2 * CASES; index++) {
		const [a, b] = [expression(random, 2).dim, expression(random, random.integer(0, 2)).dim];
		for (const dividend of [a, multiply(a, b)]) {
			const quotient = divideExactly(dividend, b);
			if (quotient !== undefined) {
				found++;
				t.is(keyOf(multiply(quotient, b)), keyOf(dividend), `${keyOf(dividend)} by ${keyOf(b)}`);
			}
		}
	}

	t.true(found > CASES);
});

test('a product is divided by a factor of one term, and by a sum beside a factor of one term', t => {
	const random = createRandom(12);
	const single = (): Dim => multiply(random.integer(1, 5), ...Array.from({length: random.integer(0, 2)}, () => symbol(random.pick(names))));
	for (let index = 0; index < CASES; index++) {
		const {dim} = expression(random, 2);
		const factor = single();
		const quotient = divideExactly(multiply(dim, factor), factor);
		t.is(quotient === undefined ? undefined : keyOf(quotient), keyOf(dim), `${keyOf(dim)} times ${keyOf(factor)}`);
		if (!equal(dim, 0) && !isNumber(dim)) {
			const other = divideExactly(multiply(dim, factor), dim);
			t.is(other === undefined ? undefined : keyOf(other), keyOf(factor), `${keyOf(factor)} times ${keyOf(dim)}`);
		}
	}

	t.is(divideExactly(add(multiply(2, symbol('a')), 1), 2), undefined);
	t.is(divideExactly(symbol('a'), symbol('b')), undefined);
	t.is(divideExactly(5, 0), undefined);
});
