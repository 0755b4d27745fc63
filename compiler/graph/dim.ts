/**
 * Dimensions: integers, or expressions over named symbols (`sequence`, `past`, `batch`).
 *
 * An expression is kept as a polynomial with integer coefficients over *atoms*: symbols, and floor divisions, remainders, minima and
 * maxima of expressions. Equal polynomials print equally, so `equal` compares the printed form. Symbols are not negative.
 */
export type Dim = number | Expression;

export type Expression = {
	/** Products of atoms, sorted, with their coefficients; the constant has no atoms. */
	readonly terms: readonly Term[];
	/** The canonical text; equal text means equal value. */
	readonly key: string;
};

type Term = {readonly coefficient: number; readonly atoms: readonly Atom[]};

type Atom =
	| {readonly kind: 'symbol'; readonly name: string; readonly key: string}
	| {readonly kind: 'floordiv' | 'mod' | 'min' | 'max'; readonly left: Dim; readonly right: Dim; readonly key: string};

export type Bounds = Readonly<Record<string, {readonly min: number; readonly max: number}>>;

export const isNumber = (dim: Dim): dim is number => typeof dim === 'number';

export const keyOf = (dim: Dim): string => (isNumber(dim) ? String(dim) : dim.key);

export const equal = (a: Dim, b: Dim): boolean => keyOf(a) === keyOf(b);

export const symbol = (name: string): Dim => fromAtom({kind: 'symbol', name, key: name});

const fromAtom = (atom: Atom): Dim => normalise([{coefficient: 1, atoms: [atom]}]);

const termsOf = (dim: Dim): readonly Term[] => (isNumber(dim) ? (dim === 0 ? [] : [{coefficient: dim, atoms: []}]) : dim.terms);

function normalise(terms: readonly Term[]): Dim {
	const sums = new Map<string, {coefficient: number; atoms: readonly Atom[]}>();
	for (const {coefficient, atoms} of terms) {
		const sorted = [...atoms].sort((a, b) => (a.key < b.key ? -1 : 1));
		const key = sorted.map(atom => atom.key).join('*');
		const sum = sums.get(key);
		sums.set(key, {coefficient: (sum?.coefficient ?? 0) + coefficient, atoms: sorted});
	}

	const kept = [...sums].filter(([, term]) => term.coefficient !== 0).sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1));
	if (kept.length === 0) {
		return 0;
	}

	if (kept.length === 1 && kept[0]![0] === '') {
		return kept[0]![1].coefficient;
	}

	let key = '';
	for (const [atoms, {coefficient}] of kept) {
		const magnitude = Math.abs(coefficient);
		const text = atoms === '' ? String(magnitude) : magnitude === 1 ? atoms : `${magnitude}*${atoms}`;
		key += key === '' ? (coefficient < 0 ? `-${text}` : text) : `${coefficient < 0 ? ' - ' : ' + '}${text}`;
	}

	return {terms: kept.map(([, term]) => term), key};
}

export const add = (...dims: readonly Dim[]): Dim => (dims.every(isNumber) ? dims.reduce<number>((a, b) => a + b, 0) : normalise(dims.flatMap(termsOf)));

export const negate = (dim: Dim): Dim => multiply(-1, dim);

export const subtract = (a: Dim, b: Dim): Dim => add(a, negate(b));

export function multiply(...dims: readonly Dim[]): Dim {
	return dims.reduce<Dim>((a, b) => {
		if (isNumber(a) && isNumber(b)) {
			// Zero has no sign.
			return a * b + 0;
		}

		return normalise(termsOf(a).flatMap(x => termsOf(b).map(y => ({coefficient: x.coefficient * y.coefficient, atoms: [...x.atoms, ...y.atoms]}))));
	}, 1);
}

/** The exact quotient, or undefined when `b` does not divide `a` as a polynomial. */
export function divideExactly(a: Dim, b: Dim): Dim | undefined {
	if (equal(a, b)) {
		return 1;
	}

	const divisor = termsOf(b);
	if (divisor.length !== 1) {
		const terms = termsOf(a);
		// A common factor such as (past + sequence)*4 over (past + sequence).
		const lead = divisor[0];
		for (const term of terms) {
			const quotient = lead && divideTerm(term, lead);
			if (quotient && equal(multiply(normalise([quotient]), b), a)) {
				return normalise([quotient]);
			}
		}

		return undefined;
	}

	const quotients = termsOf(a).map(term => divideTerm(term, divisor[0]!));
	return quotients.every(term => term !== undefined) ? normalise(quotients) : undefined;
}

function divideTerm(term: Term, divisor: Term): Term | undefined {
	if (term.coefficient % divisor.coefficient !== 0) {
		return undefined;
	}

	const atoms = [...term.atoms];
	for (const atom of divisor.atoms) {
		const at = atoms.findIndex(({key}) => key === atom.key);
		if (at < 0) {
			return undefined;
		}

		atoms.splice(at, 1);
	}

	return {coefficient: term.coefficient / divisor.coefficient, atoms};
}

export function floorDivide(a: Dim, b: Dim): Dim {
	if (isNumber(a) && isNumber(b)) {
		return Math.floor(a / b);
	}

	return divideExactly(a, b) ?? fromAtom({kind: 'floordiv', left: a, right: b, key: `floordiv(${keyOf(a)}, ${keyOf(b)})`});
}

export function modulo(a: Dim, b: Dim): Dim {
	if (isNumber(a) && isNumber(b)) {
		return a - b * Math.floor(a / b);
	}

	return divideExactly(a, b) === undefined ? fromAtom({kind: 'mod', left: a, right: b, key: `mod(${keyOf(a)}, ${keyOf(b)})`}) : 0;
}

export const ceilDivide = (a: Dim, b: Dim): Dim => floorDivide(add(a, subtract(b, 1)), b);

/** Whether `a ≤ b` for all values of the symbols (at least 0, or their bounds): true, false, or undefined when it depends. */
export function lessOrEqual(a: Dim, b: Dim, bounds: Bounds = {}): boolean | undefined {
	const {min, max} = range(subtract(b, a), bounds);
	return min >= 0 ? true : max < 0 ? false : undefined;
}

/** The smallest and the largest value, from the bounds of symbols and of sums of symbols (0 to infinity where none is given). */
export function range(dim: Dim, bounds: Bounds): {min: number; max: number} {
	let {min, max} = separateRange(dim, bounds);
	for (const key of Object.keys(bounds)) {
		const sum = key.includes(' + ') ? parse(key) : undefined;
		const shared = sum === undefined ? 0 : coefficientOf(dim, sum);
		if (sum !== undefined && shared !== 0) {
			// dim = shared × sum + rest
			const rest = separateRange(subtract(dim, multiply(shared, sum)), bounds);
			const ends = [shared * bounds[key]!.min, shared * bounds[key]!.max];
			min = Math.max(min, rest.min + Math.min(...ends));
			max = Math.min(max, rest.max + Math.max(...ends));
		}
	}

	return {min, max};
}

/** How often a sum of symbols is contained in an expression: the coefficient that all its symbols share there, or 0. */
function coefficientOf(dim: Dim, sum: Dim): number {
	const coefficients = termsOf(sum).map(
		({atoms}) => termsOf(dim).find(term => term.atoms.length === 1 && term.atoms[0]!.key === atoms[0]?.key)?.coefficient ?? 0,
	);
	return coefficients.every(coefficient => coefficient === coefficients[0]) ? coefficients[0]! : 0;
}

function separateRange(dim: Dim, bounds: Bounds): {min: number; max: number} {
	let min = 0;
	let max = 0;
	for (const {coefficient, atoms} of termsOf(dim)) {
		let low = 1;
		let high = 1;
		for (const atom of atoms) {
			const r = atomRange(atom, bounds);
			const products = [low * r.min, low * r.max, high * r.min, high * r.max].map(value => (Number.isNaN(value) ? 0 : value));
			low = Math.min(...products);
			high = Math.max(...products);
		}

		min += coefficient * (coefficient < 0 ? high : low);
		max += coefficient * (coefficient < 0 ? low : high);
	}

	return {min, max};
}

function atomRange(atom: Atom, bounds: Bounds): {min: number; max: number} {
	if (atom.kind === 'symbol') {
		return bounds[atom.name] ?? {min: 0, max: Infinity};
	}

	const left = range(atom.left, bounds);
	const right = range(atom.right, bounds);
	switch (atom.kind) {
		case 'floordiv': {
			// The ends of the divisor and, where it may be either, what is nearest to zero.
			const divisors = [right.min, right.max, -1, 1].filter(divisor => divisor !== 0 && right.min <= divisor && divisor <= right.max);
			const quotients = divisors.flatMap(divisor => [left.min / divisor, left.max / divisor]).map(q => (Number.isNaN(q) ? 0 : Math.floor(q)));
			return {min: Math.min(...quotients), max: Math.max(...quotients)};
		}

		case 'mod': {
			// The sign of the divisor; a dividend that is not negative is no smaller than what is left of it.
			const high = Math.max(0, right.max - 1);
			return {min: Math.min(0, right.min + 1), max: left.min >= 0 ? Math.min(high, Math.max(0, left.max)) : high};
		}

		case 'min': {
			return {min: Math.min(left.min, right.min), max: Math.min(left.max, right.max)};
		}

		case 'max': {
			return {min: Math.max(left.min, right.min), max: Math.max(left.max, right.max)};
		}
	}
}

export function minimum(a: Dim, b: Dim, bounds: Bounds = {}): Dim {
	if (isNumber(a) && isNumber(b)) {
		return Math.min(a, b);
	}

	const ordered = lessOrEqual(a, b, bounds);
	const reversed = lessOrEqual(b, a, bounds);
	return ordered ? a : reversed ? b : fromAtom({kind: 'min', left: a, right: b, key: `min(${keyOf(a)}, ${keyOf(b)})`});
}

export function maximum(a: Dim, b: Dim, bounds: Bounds = {}): Dim {
	if (isNumber(a) && isNumber(b)) {
		return Math.max(a, b);
	}

	const ordered = lessOrEqual(a, b, bounds);
	const reversed = lessOrEqual(b, a, bounds);
	return ordered ? b : reversed ? a : fromAtom({kind: 'max', left: a, right: b, key: `max(${keyOf(a)}, ${keyOf(b)})`});
}

/** Replaces symbols by dimensions; symbols that are not named stay. */
export function substitute(dim: Dim, bindings: Readonly<Record<string, Dim>>): Dim {
	if (isNumber(dim)) {
		return dim;
	}

	return add(...dim.terms.map(({coefficient, atoms}) => multiply(coefficient, ...atoms.map(atom => substituteAtom(atom, bindings)))));
}

function substituteAtom(atom: Atom, bindings: Readonly<Record<string, Dim>>): Dim {
	if (atom.kind === 'symbol') {
		return bindings[atom.name] ?? fromAtom(atom);
	}

	const left = substitute(atom.left, bindings);
	const right = substitute(atom.right, bindings);
	const functions = {floordiv: floorDivide, mod: modulo, min: minimum, max: maximum};
	return functions[atom.kind](left, right);
}

/** The value under complete bindings. Throws a RangeError that names a symbol without a binding. */
export function evaluate(dim: Dim, bindings: Readonly<Record<string, number>>): number {
	const value = substitute(dim, bindings);
	if (!isNumber(value)) {
		throw new RangeError(`dimension ${value.key}: ${symbolsOf(value).join(', ')} not given`);
	}

	return value;
}

export function symbolsOf(dim: Dim): string[] {
	const names = new Set<string>();
	const visit = (d: Dim): void => {
		for (const {atoms} of termsOf(d)) {
			for (const atom of atoms) {
				if (atom.kind === 'symbol') {
					names.add(atom.name);
				} else {
					visit(atom.left);
					visit(atom.right);
				}
			}
		}
	};

	visit(dim);
	return [...names];
}

/** Calls back for each piece, innermost first: how targets turn an expression into instructions. */
export function fold<T>(
	dim: Dim,
	build: {number(value: number): T; symbol(name: string): T; binary(kind: 'add' | 'multiply' | 'floordiv' | 'mod' | 'min' | 'max', left: T, right: T): T},
): T {
	if (isNumber(dim)) {
		return build.number(dim);
	}

	const terms = dim.terms.map(({coefficient, atoms}) => {
		const factors = atoms.map(atom =>
			atom.kind === 'symbol' ? build.symbol(atom.name) : build.binary(atom.kind, fold(atom.left, build), fold(atom.right, build)),
		);
		if (coefficient !== 1 || factors.length === 0) {
			factors.push(build.number(coefficient));
		}

		return factors.reduce((a, b) => build.binary('multiply', a, b));
	});
	return terms.reduce((a, b) => build.binary('add', a, b));
}

/** Parses what exporters write as `dim_param`: identifiers, integers, `+ - * //`, parentheses, `floor(…/…)`, `min`, `max`; and what `keyOf` prints. Undefined when it is something else. */
export function parse(text: string): Dim | undefined {
	const tokens = text.match(/\d+|[A-Za-z_][\w.:]*|\/\/|[-+*/(),]|\S/g) ?? [];
	let at = 0;
	const take = (token: string): boolean => (tokens[at] === token ? (at++, true) : false);
	const sum = (): Dim | undefined => {
		let value = product();
		while (value !== undefined && (tokens[at] === '+' || tokens[at] === '-')) {
			const minus = tokens[at++] === '-';
			const right = product();
			value = right === undefined ? undefined : minus ? subtract(value, right) : add(value, right);
		}

		return value;
	};

	const product = (): Dim | undefined => {
		let value = atom();
		while (value !== undefined && (tokens[at] === '*' || tokens[at] === '//' || tokens[at] === '/')) {
			const operator = tokens[at++];
			const right = atom();
			value = right === undefined ? undefined : operator === '*' ? multiply(value, right) : floorDivide(value, right);
		}

		return value;
	};

	const atom = (): Dim | undefined => {
		const token = tokens[at++];
		if (token === undefined) {
			return undefined;
		}

		if (/^\d/.test(token)) {
			return Number(token);
		}

		if (token === '-') {
			const value = atom();
			return value === undefined ? undefined : negate(value);
		}

		if (token === '(') {
			const value = sum();
			return take(')') ? value : undefined;
		}

		if (!/^[A-Za-z_]/.test(token)) {
			return undefined;
		}

		if (!take('(')) {
			return symbol(token);
		}

		const first = sum();
		const second = take(',') ? sum() : undefined;
		if (!take(')') || first === undefined) {
			return undefined;
		}

		const name = token.toLowerCase();
		if (name === 'floor' && second === undefined) {
			return first;
		}

		const functions: Readonly<Record<string, (a: Dim, b: Dim) => Dim>> = {min: minimum, max: maximum, floordiv: floorDivide, mod: modulo};
		return second === undefined ? undefined : functions[name]?.(first, second);
	};

	const value = sum();
	return at === tokens.length ? value : undefined;
}
