/** The memory plan: random programs keep every value until its last use, broken plans are refused, and the shape of a real program. */
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {importBounded} from '../compiler/bounds.js';
import {encodingOf} from '../compiler/allocate/encoding.js';
import {findWeights} from '../compiler/allocate/weights.js';
import {evaluate, multiply, symbol, type Dim} from '../compiler/graph/dim.js';
import {optimize} from '../compiler/passes/optimize.js';
import {checkPlan} from '../compiler/plan/check.js';
import {lower} from '../compiler/plan/lower.js';
import {planMemory, type Plan} from '../compiler/plan/memory.js';
import type {Argument, Buffer, KernelCall, Program} from '../compiler/plan/program.js';
import {readPrototypes, type Prototypes} from '../compiler/plan/prototypes.js';
import {createRandom, type Random} from './helpers/random.js';

const prototypes: Prototypes = {
	make: {
		parameters: [
			{name: 'y', type: 'write'},
			{name: 'n', type: 'i32'},
		],
	},
	join: {
		parameters: [
			{name: 'y', type: 'write'},
			{name: 'a', type: 'read'},
			{name: 'b', type: 'read'},
		],
	},
	weigh: {
		parameters: [
			{name: 'y', type: 'write'},
			{name: 'x', type: 'read'},
			{name: 'parts', type: 'read'},
			{name: 'shape', type: 'read'},
		],
	},
};

const at = (buffer: string): Argument => ({kind: 'buffer', buffer, offset: 0});

/** Layers of calls, each reading values that earlier ones made; now and then a value is read much later. */
function randomProgram(random: Random): Program {
	const bounds = {sequence: {min: 1, max: random.integer(1, 9)}, past: {min: 0, max: 20}, 'past + sequence': {min: 1, max: 21}};
	const bytes = (): Dim => (random.next() < 0.5 ? random.integer(0, 2000) : multiply(random.integer(1, 60), symbol(random.pick(['sequence', 'past']))));
	const fixed = (name: string, role: Buffer['role']): [string, Buffer] => [name, {name, bytes: bytes(), role}];
	const buffers = new Map([fixed('in', 'input'), fixed('out', 'output'), fixed('state', 'state'), fixed('constant:c', 'constant')]);
	const weights = Array.from({length: random.integer(0, 3)}, (_, index) => ({
		name: `w${index}`,
		rows: 1,
		columns: 1,
		terms: Array.from({length: random.integer(1, 2)}, (_unused, term) => ({
			codec: 'c',
			parameters: {},
			parts: Array.from({length: random.integer(1, 3)}, (_none, part) => ({name: `t${term}p${part}`, bytes: random.integer(1, 900)})),
		})),
	}));
	const entries = ['prefill', 'decode'].slice(0, random.integer(1, 2)).map(name => {
		const own = new Map<string, Buffer>();
		const made: string[] = [];
		const calls: KernelCall[] = [];
		for (let index = 0; index < random.integer(1, 40); index++) {
			const y = `v${index}`;
			own.set(y, {name: y, bytes: bytes(), role: 'activation'});
			const x = (): Argument => at(made.length > 0 && random.next() < 0.9 ? random.pick(random.next() < 0.7 ? made.slice(-3) : made) : 'in');
			const kernel = random.pick(weights.length > 0 ? ['make', 'join', 'weigh'] : ['make', 'join']);
			calls.push({
				kernel,
				node: `node ${index}`,
				arguments:
					kernel === 'make'
						? {y: at(y), n: {kind: 'number', value: 3}}
						: kernel === 'join'
							? {y: at(y), a: x(), b: x()}
							: {
									y: at(y),
									x: x(),
									parts: {kind: 'parts', weight: random.pick(weights).name, term: 0},
									shape: {kind: 'numbers', values: Array.from({length: random.integer(1, 9)}, () => 1)},
								},
			});
			made.push(y);
		}

		return {name, symbols: ['sequence', 'past'], calls, buffers: own};
	});
	return {threads: 1, entries, buffers, constants: new Map(), weights, inputs: [], outputs: [], states: [], symbols: {}, bounds};
}

type Place = {readonly address: number; readonly bytes: number};

/** Runs an entry on a memory of names: a call marks what it writes and must find what it reads still marked. */
function firstLoss(program: Program, plan: Plan, entry: Program['entries'][number]): string | undefined {
	const memory = new Array<string>(plan.memory / 4).fill('');
	const words = ({address, bytes}: Place): number[] => Array.from({length: Math.ceil(bytes / 4)}, (_, index) => address / 4 + index);
	const places = new Map<string, Place>([
		...plan.fixed,
		...plan.parts,
		['table', plan.table],
		['arguments', plan.argumentBlock],
		...plan.activations.get(entry.name)!,
	]);
	const mark = (name: string): void => {
		for (const word of words(places.get(name)!)) {
			memory[word] = name;
		}
	};

	const isWhole = (name: string): boolean => words(places.get(name)!).every(word => memory[word] === name);
	const always = ['table', 'arguments', ...plan.fixed.keys(), ...plan.parts.keys()];
	always.forEach(mark);
	for (const {kernel, arguments: given, node} of entry.calls) {
		const named = (kind: string): string[] =>
			prototypes[kernel]!.parameters.flatMap(({name, type}) => {
				const argument = given[name]!;
				return type === kind && argument.kind === 'buffer' ? [argument.buffer] : [];
			});
		named('write').forEach(mark);
		const lost = [...named('read'), ...always].find(name => !isWhole(name));
		if (lost !== undefined) {
			return `${node}: ${lost}`;
		}
	}

	return undefined;
}

test('random programs find every value where they left it', t => {
	const random = createRandom(21);
	for (let index = 0; index < 150; index++) {
		const program = randomProgram(random);
		const plan = planMemory(program, prototypes);
		t.notThrows(() => {
			checkPlan(program, plan, prototypes);
		});
		for (const entry of program.entries) {
			t.is(firstLoss(program, plan, entry), undefined, `program ${index}`);
		}
	}
});

test('the arena holds at least what lives at once and at most all of it', t => {
	const random = createRandom(22);
	for (let index = 0; index < 100; index++) {
		const program = randomProgram(random);
		const plan = planMemory(program, prototypes);
		for (const {name, calls} of program.entries) {
			const places = plan.activations.get(name)!;
			const uses = new Map<string, [number, number]>();
			for (const [call, {arguments: given}] of calls.entries()) {
				for (const argument of Object.values(given)) {
					if (argument.kind === 'buffer' && places.has(argument.buffer)) {
						uses.set(argument.buffer, [uses.get(argument.buffer)?.[0] ?? call, call]);
					}
				}
			}

			const rounded = (names: Iterable<string>): number => [...names].reduce((sum, buffer) => sum + Math.ceil(places.get(buffer)!.bytes / 256) * 256, 0);
			const live = calls.map((_, call) => rounded([...uses].filter(([, [first, last]]) => first <= call && call <= last).map(([buffer]) => buffer)));
			t.true(Math.max(0, ...live) <= plan.arena.bytes);
			if (program.entries.length === 1) {
				t.true(plan.arena.bytes <= rounded(places.keys()));
			}
		}

		t.is(plan.memory % 65_536, 0);
		t.true(plan.memory - plan.used < 65_536);
	}
});

test('buffers are as large as the symbols allow', t => {
	const random = createRandom(23);
	for (let index = 0; index < 50; index++) {
		const program = randomProgram(random);
		const plan = planMemory(program, prototypes);
		const {sequence} = program.bounds;
		for (const [name, {bytes}] of [...program.buffers, ...program.entries.flatMap(entry => [...entry.buffers])]) {
			const place = plan.fixed.get(name) ?? plan.activations.get(program.entries.find(entry => entry.buffers.get(name)?.bytes === bytes)!.name)!.get(name)!;
			t.is(place.bytes, evaluate(bytes, {sequence: sequence!.max, past: 20}));
		}
	}
});

const call = (kernel: string, given: Readonly<Record<string, Argument>>): KernelCall => ({kernel, node: `Node '${kernel}'`, arguments: given});

/** a and b live at the same time; c comes when a is no longer needed. */
const small: Program = {
	threads: 1,
	entries: [
		{
			name: 'run',
			symbols: [],
			calls: [
				call('make', {y: at('a'), n: {kind: 'number', value: 1}}),
				call('weigh', {y: at('b'), x: at('a'), parts: {kind: 'parts', weight: 'w', term: 0}, shape: {kind: 'numbers', values: [1, 2]}}),
				call('join', {y: at('c'), a: at('b'), b: at('in')}),
			],
			buffers: new Map(['a', 'b', 'c'].map(name => [name, {name, bytes: 512, role: 'activation'}] as const)),
		},
	],
	buffers: new Map([
		['in', {name: 'in', bytes: 100, role: 'input'}],
		['out', {name: 'out', bytes: 300, role: 'output'}],
	]),
	constants: new Map(),
	weights: [{name: 'w', rows: 1, columns: 1, terms: [{codec: 'c', parameters: {}, parts: [{name: 'p', bytes: 700}]}]}],
	inputs: [],
	outputs: [],
	states: [],
	symbols: {},
	bounds: {},
};

const good = planMemory(small, prototypes);
const moved = (name: string, place: Partial<Place>): Plan => {
	const run = good.activations.get('run')!;
	return {...good, activations: new Map([['run', new Map([...run, [name, {...run.get(name)!, ...place}]])]])};
};

const shifted = (name: string, place: Partial<Place>): Plan => ({...good, fixed: new Map([...good.fixed, [name, {...good.fixed.get(name)!, ...place}]])});
const withCall = (index: number, change: Partial<KernelCall>): Program => ({
	...small,
	entries: small.entries.map(entry => ({...entry, calls: entry.calls.map((old, position) => (position === index ? {...old, ...change} : old))})),
});
const activation = (name: string): Place => good.activations.get('run')!.get(name)!;
const without = (name: string): Plan => {
	const run = new Map(good.activations.get('run'));
	run.delete(name);
	return {...good, activations: new Map([['run', run]])};
};

for (const [title, plan, program, message] of [
	[
		'two values that live together in one place',
		moved('b', {address: activation('a').address}),
		small,
		/^plan: run, call 1: [ab] \(\d+ to \d+\) overlaps run, call 1: [ab] \(from \d+\)$/,
	],
	['fixed buffers that overlap', shifted('out', {address: good.fixed.get('in')!.address}), small, /^plan: (in|out) \(\d+ to \d+\) overlaps (in|out) /],
	[
		'a part over the arena',
		{...good, parts: new Map([['w/p', {address: good.arena.address, bytes: 700}]])},
		small,
		/^plan: (arena|w\/p) .* overlaps (arena|w\/p) /,
	],
	['a buffer over the descriptor table', shifted('in', {address: good.table.address}), small, /^plan: (descriptor table|in) .* overlaps /],
	[
		'a part behind the end of the memory',
		{...good, parts: new Map([['w/p', {address: good.memory - 256, bytes: 700}]])},
		small,
		/^plan: w\/p lies at \d+ to \d+: expected a multiple of 16 inside 0 to 65536$/,
	],
	['a negative address', shifted('in', {address: -256}), small, /^plan: in lies at -256 to -156: expected/],
	[
		'an activation outside the arena',
		moved('c', {address: good.arena.address + good.arena.bytes}),
		small,
		/^plan: run: c lies at \d+ to \d+: expected a multiple of 16 inside/,
	],
	[
		'an address that is not aligned',
		moved('c', {address: good.arena.address + 8}),
		small,
		/^plan: run: c lies at \d+ to \d+: expected a multiple of 16 inside/,
	],
	[
		'a fixed address that is not aligned',
		shifted('out', {address: good.fixed.get('out')!.address + 4}),
		small,
		/^plan: out lies at \d+ to \d+: expected a multiple of 16/,
	],
	['an activation with too few bytes', moved('c', {bytes: 256}), small, /^plan: run: c has 256 bytes: expected 512$/],
	['a fixed buffer with too few bytes', shifted('out', {bytes: 16}), small, /^plan: out has 16 bytes: expected 300$/],
	[
		'a part with too few bytes',
		{...good, parts: new Map([['w/p', {...good.parts.get('w/p')!, bytes: 600}]])},
		small,
		/^plan: w\/p has 600 bytes: expected 700$/,
	],
	['a part without a place', {...good, parts: new Map()}, small, /^plan: w\/p has no place$/],
	['a fixed buffer without a place', {...good, fixed: new Map([['in', good.fixed.get('in')!]])}, small, /^plan: out has no place$/],
	['an activation without a place', without('c'), small, /^Node 'join': join uses 'c', which has no place$/],
	['an argument block that is too small', {...good, argumentBlock: {...good.argumentBlock, bytes: 4}}, small, /^plan: argument block has 4 bytes: expected 8$/],
	['a weight without a row', {...good, table: {...good.table, rows: new Map()}}, small, /^Node 'weigh': weigh uses weight 'w', term 0, which has no row$/],
	['a kernel that is not there', good, withCall(2, {kernel: 'jion'}), /^Node 'join': there is no kernel 'jion'$/],
	['a parameter that is missing', good, withCall(2, {arguments: {y: at('c'), a: at('b')}}), /^Node 'join': join\(y, a, b\): missing b, unknown none$/],
	[
		'a parameter that is not known',
		good,
		withCall(0, {arguments: {y: at('a'), n: {kind: 'number', value: 1}, m: at('in')}}),
		/^Node 'make': make\(y, n\): missing none, unknown m$/,
	],
	[
		'an offset behind the end of its buffer',
		good,
		withCall(2, {arguments: {y: at('c'), a: at('b'), b: {kind: 'buffer', buffer: 'in', offset: 104}}}),
		/^Node 'join': join starts 104 bytes into 'in', which has 100$/,
	],
	[
		'a negative offset',
		good,
		withCall(2, {arguments: {y: at('c'), a: at('b'), b: {kind: 'buffer', buffer: 'in', offset: -4}}}),
		/^Node 'join': join starts -4 bytes into 'in', which has 100$/,
	],
] as const) {
	test(`a plan is refused for ${title}`, t => {
		t.throws(
			() => {
				checkPlan(program, plan, prototypes);
			},
			{message},
		);
	});
}

test('the plan that those were made from is right', t => {
	t.notThrows(() => {
		checkPlan(small, good, prototypes);
	});
	t.is(firstLoss(small, good, small.entries[0]!), undefined);
	t.true(good.arena.bytes === 1024 && activation('c').address === activation('a').address, 'c takes the place of a');
});

test('a value that is read before it is written is refused', t => {
	const program = {...small, entries: small.entries.map(entry => ({...entry, calls: entry.calls.slice(1)}))};
	t.throws(() => planMemory(program, prototypes), {message: "Node 'weigh': weigh reads 'a' before any call has written it"});
});

test('a buffer without a largest size is refused with the way out', t => {
	const program = {...small, buffers: new Map([['in', {name: 'in', bytes: multiply(4, symbol('n')), role: 'input'} as const]])};
	t.throws(() => planMemory(program, prototypes), {message: /^dimension 4\*n: a symbol has no largest value; give one with --dim NAME=N/});
});

/** Calls of each entry: more are a step back. */
const RECORDED = {prefill: 83, decode: 83, head: 2, sample: 1};

test('the program of books-3m has three entries and no more calls than before', t => {
	const model = fileURLToPath(new URL('models/books-3m/model.onnx', import.meta.url));
	const {graph, positions} = importBounded(model);
	const typed = optimize(graph);
	const weights = findWeights(typed.graph);
	const encoding = encodingOf(
		weights,
		weights.map(() => ({codec: 'scalar', parameters: {bits: 4, group: 64}})),
	);
	const program = lower(typed, encoding, {cachePrecision: 'float16', positions});
	t.deepEqual(
		program.entries.map(({name, symbols}) => [name, symbols]),
		[
			['prefill', ['sequence', 'past']],
			['decode', ['past']],
			['head', ['row']],
			['sample', ['count']],
		],
	);
	for (const {name, calls} of program.entries) {
		t.true(calls.length <= RECORDED[name as keyof typeof RECORDED], `${name}: ${calls.length} calls`);
		t.log(`${name}: ${calls.length} calls`);
	}

	t.is(program.sliced, 'logits');
	t.is(program.states.length % 2, 0);
	t.true(program.states.every(({storage, positions: held}) => storage === 'float16' && held === positions));
	t.deepEqual(program.inputs.map(({name}) => name).sort(), ['attention_mask', 'input_ids', 'position_ids']);
	const plan = planMemory(program, readPrototypes());
	t.notThrows(() => {
		checkPlan(program, plan, readPrototypes());
	});
});
