/** Phases: threads that run a random program in any order between barriers find every value, and broken phases are refused. */
import test from 'ava';
import {checkPlan} from '../compiler/plan/check.js';
import {planMemory, type Plan} from '../compiler/plan/memory.js';
import type {Phase} from '../compiler/plan/phases.js';
import type {Argument, Buffer, KernelCall, Program} from '../compiler/plan/program.js';
import type {Parameter, Prototypes} from '../compiler/plan/prototypes.js';
import {createRandom, type Random} from './helpers/random.js';

const pointers: readonly Parameter[] = [
	{name: 'y', type: 'write'},
	{name: 'a', type: 'read'},
	{name: 'b', type: 'read'},
];
const threads: readonly Parameter[] = [
	{name: 'thread', type: 'i32'},
	{name: 'threads', type: 'i32'},
];
const prototypes: Prototypes = {
	alone: {parameters: pointers},
	shared: {parameters: [...pointers, ...threads]},
	scratching: {parameters: [...pointers, {name: 'scratch', type: 'write'}, ...threads]},
};

const at = (buffer: string): Argument => ({kind: 'buffer', buffer, offset: 0});

/** Calls on values of which many are too large to be left to one thread; now and then one is written again, or read much later. */
function randomProgram(random: Random, most: number): Program {
	const fixed = (name: string, role: Buffer['role']): [string, Buffer] => [name, {name, bytes: random.integer(64, 200_000), role}];
	const own = new Map<string, Buffer>();
	const calls: KernelCall[] = [];
	const made = ['in'];
	for (let index = 0; index < random.integer(1, 40); index++) {
		const y = random.next() < 0.15 ? random.pick(made.length > 1 ? made.slice(1) : ['state']) : random.next() < 0.1 ? 'state' : `v${index}`;
		if (y !== 'state' && !own.has(y)) {
			own.set(y, {name: y, bytes: random.integer(4, random.next() < 0.5 ? 2000 : 100_000), role: 'activation'});
		}

		const x = (): string => random.pick((random.next() < 0.7 ? made.slice(-3) : made).filter(name => name !== y).concat(made.length > 1 ? [] : ['in']));
		const kernel = random.pick(['alone', 'shared', 'shared', 'scratching']);
		const scratch = `s${index}`;
		if (kernel === 'scratching') {
			own.set(scratch, {name: scratch, bytes: 64 * most, role: 'activation'});
		}

		const given = {y: at(y), a: at(x()), b: at(x())};
		calls.push({
			kernel,
			node: `call ${index}`,
			arguments: kernel === 'scratching' ? {...given, scratch: {kind: 'buffer', buffer: scratch, offset: 0, threadStride: 64}} : given,
		});
		if (!made.includes(y)) {
			made.push(y);
		}
	}

	return {
		threads: most,
		entries: [{name: 'run', symbols: [], calls, buffers: own}],
		buffers: new Map([fixed('in', 'input'), fixed('state', 'state')]),
		constants: new Map(),
		weights: [],
		inputs: [],
		outputs: [],
		states: [],
		symbols: {},
		bounds: {},
	};
}

/** Runs the program on a memory of words that say who wrote them last: the first call that finds something else than it should. */
function firstLoss(program: Program, plan: Plan, random: Random): string | undefined {
	const entry = program.entries[0]!;
	const memory = new Map<number, string>();
	const wordsOf = (buffer: string): number[] => {
		const {address, bytes} = plan.activations.get('run')!.get(buffer) ?? plan.fixed.get(buffer)!;
		return Array.from({length: Math.ceil(bytes / 64)}, (_, index) => address + 64 * index);
	};

	// What each call should find: the number of the call that wrote the value last.
	const writers = new Map<string, string>();
	const expected = entry.calls.map(({arguments: given}, index) => {
		const names = ['a', 'b'].map(name => (given[name] as {buffer: string}).buffer);
		const found = names.map(buffer => [buffer, writers.get(buffer)] as const);
		writers.set((given['y'] as {buffer: string}).buffer, String(index));
		return found;
	});
	let loss: string | undefined;
	const step = (index: number, thread: number, count: number): void => {
		const {arguments: given} = entry.calls[index]!;
		for (const [buffer, writer] of expected[index]!) {
			if (writer !== undefined && wordsOf(buffer).some(word => memory.get(word) !== writer)) {
				loss ??= `call ${index} on thread ${thread} does not find ${buffer} as call ${writer} left it`;
			}
		}

		const words = wordsOf((given['y'] as {buffer: string}).buffer);
		for (const word of words.slice((words.length * thread) / count, (words.length * (thread + 1)) / count)) {
			memory.set(word, String(index));
		}

		if (given['scratch']) {
			memory.set(wordsOf((given['scratch'] as {buffer: string}).buffer)[thread]!, `scratch of ${index}`);
		}
	};

	for (const {first, end, shared} of plan.phases.get('run')!) {
		const queues = Array.from({length: program.threads}, (_, thread) =>
			Array.from({length: end - first}, (_unused, offset) => first + offset).filter(index => thread === 0 || shared.has(index)),
		);
		while (queues.some(({length}) => length > 0)) {
			const thread = random.integer(0, program.threads - 1);
			const index = queues[thread]!.shift();
			if (index !== undefined) {
				step(index, thread, shared.has(index) ? program.threads : 1);
			}
		}
	}

	return loss;
}

test('threads find every value, whoever is first between two barriers', t => {
	let phases = 0;
	let together = 0;
	for (let seed = 1; seed <= 150; seed++) {
		const random = createRandom(seed);
		const program = randomProgram(random, random.integer(1, 4));
		const plan = planMemory(program, prototypes);
		t.notThrows(() => {
			checkPlan(program, plan, prototypes);
		});
		for (let order = 0; order < 3; order++) {
			t.is(firstLoss(program, plan, random), undefined, `seed ${seed}`);
		}

		phases += plan.phases.get('run')!.length;
		together += plan.phases.get('run')!.filter(({first, end, shared}) => shared.size > 0 && end - first > 1).length;
	}

	// Neither a barrier behind every call nor none at all.
	t.true(together > 50 && phases > 500, `${phases} phases, ${together} of several calls`);
});

test('phases that are joined are refused wherever they had to be apart', t => {
	let joined = 0;
	for (let seed = 1; seed <= 60; seed++) {
		const program = randomProgram(createRandom(seed), 3);
		const plan = planMemory(program, prototypes);
		const phases = plan.phases.get('run')!;
		for (let index = 1; index < phases.length; index++) {
			const [a, b] = [phases[index - 1]!, phases[index]!];
			const both: Phase = {first: a.first, end: b.end, shared: new Set([...a.shared, ...b.shared])};
			const broken = {...plan, phases: new Map([['run', phases.toSpliced(index - 1, 2, both)]])};
			const message = /run at the same time, and '\w+' overlaps '\w+'/;
			t.throws(
				() => {
					checkPlan(program, broken, prototypes);
				},
				{message},
			);
			joined++;
		}
	}

	t.true(joined > 100);
});

const call = (kernel: string, given: Readonly<Record<string, Argument>>): KernelCall => ({kernel, node: `Node '${kernel}'`, arguments: given});

const pair: Program = {
	...randomProgram(createRandom(1), 2),
	entries: [
		{
			name: 'run',
			symbols: [],
			calls: [call('shared', {y: at('p'), a: at('in'), b: at('in')}), call('alone', {y: at('q'), a: at('p'), b: at('in')})],
			buffers: new Map(['p', 'q'].map(name => [name, {name, bytes: 64_000, role: 'activation'}])),
		},
	],
};

const broken: ReadonlyArray<readonly [string, readonly Phase[], RegExp]> = [
	['a call left out', [{first: 0, end: 1, shared: new Set([0])}], /the phases of run end at call 1: expected 2/],
	[
		'a call made twice',
		[
			{first: 0, end: 1, shared: new Set([0])},
			{first: 0, end: 2, shared: new Set([0])},
		],
		/has calls 0 to 2: expected to begin with call 1/,
	],
	[
		'a kernel shared that takes no threads',
		[
			{first: 0, end: 1, shared: new Set([0])},
			{first: 1, end: 2, shared: new Set([1])},
		],
		/alone cannot be called by 2 threads/,
	],
	['a value read while it is written', [{first: 0, end: 2, shared: new Set([0])}], /'p' overlaps 'p'/],
];

for (const [what, phases, message] of broken) {
	test(`phases are refused for ${what}`, t => {
		const plan = planMemory(pair, prototypes);
		t.notThrows(() => {
			checkPlan(pair, plan, prototypes);
		});
		t.throws(
			() => {
				checkPlan(pair, {...plan, phases: new Map([['run', phases]])}, prototypes);
			},
			{message},
		);
	});
}

test('a scratch that threads would share is refused, and so are slices that do not fit', t => {
	const scratching = (scratch: Argument): Program => ({
		...pair,
		entries: [
			{
				name: 'run',
				symbols: [],
				calls: [call('scratching', {y: at('p'), a: at('in'), b: at('in'), scratch})],
				buffers: new Map(['p', 's'].map(name => [name, {name, bytes: 64_000, role: 'activation'}])),
			},
		],
	});
	for (const [scratch, message] of [
		[at('s'), /would use one scratch/],
		[{kind: 'buffer', buffer: 's', offset: 0, threadStride: 32_064}, /cuts 64128 bytes of 's' into slices, which has 64000/],
	] as const) {
		const program = scratching(scratch);
		t.throws(
			() => {
				checkPlan(program, planMemory(program, prototypes), prototypes);
			},
			{message},
		);
	}
});
