/** How many threads compute, after jobs that went well and badly. */
import test from 'ava';
import {createRandom} from '../helpers/random.js';
import {createPace, type Pace} from '../../runtime-wasm/loader/pace.js';

const [ENTRY, TIME] = ['decode', 4];

/** Jobs that go badly for more than `room` threads: each sleeps ten times and takes ten times as long. */
function work(pace: Pace, jobs: number, room: number): number[] {
	return Array.from({length: jobs}, () => {
		const {threads} = pace;
		const crowded = threads > room;
		pace.note(ENTRY, crowded ? 10 : 0, crowded ? 10 * TIME : (TIME * 4) / threads);
		return threads;
	});
}

const waits = (counts: readonly number[], most: number): number[] => {
	const tries = counts.flatMap((count, index) => (count === most ? [index] : []));
	return tries.slice(1).map((at, index) => at - tries[index]!);
};

test('all threads work where none has to wait, and where one did once', t => {
	const pace = createPace(4);
	t.deepEqual(new Set(work(pace, 100, 4)), new Set([4]));
	pace.note(ENTRY, 1, TIME);
	t.deepEqual(new Set(work(pace, 100, 4)), new Set([4]));
});

test('the sleeps of a job that is long anyway are nothing', t => {
	const pace = createPace(4);
	for (let job = 0; job < 100; job++) {
		pace.note(ENTRY, 3, 500);
	}

	t.is(pace.threads, 4);
});

test('on a busy machine there are soon as few as have room, and all again when there is room for them', t => {
	const pace = createPace(4);
	const counts = work(pace, 20, 2);
	t.true(counts.indexOf(2) > 0 && counts.indexOf(2) <= 8, counts.join(' '));
	t.is(Math.min(...counts), 2);
	t.is(work(pace, 2000, 4).at(-1), 4);
});

test('the more often one thread more was too many, the longer it takes until it is tried again', t => {
	const pace = createPace(2);
	const between = waits(work(pace, 2000, 1).slice(2), 2);
	t.true(between.length > 4);
	t.deepEqual(
		between,
		[...between].sort((a, b) => a - b),
	);
	t.true(between.at(-1)! > 200 && between.at(-1)! < 300, between.join(' '));
});

test('there is always one thread, and one alone changes nothing', t => {
	const [pace, lone] = [createPace(3), createPace(1)];
	work(pace, 500, 0);
	t.true(pace.threads >= 1);
	t.deepEqual(new Set(work(lone, 50, 0)), new Set([1]));
});

test('where a job sleeps by itself, and fewer threads are slower, all are taken, until it sleeps more', t => {
	const pace = createPace(2);
	const counts = Array.from({length: 200}, () => {
		const {threads} = pace;
		pace.note(ENTRY, threads - 1, threads === 2 ? TIME : 2 * TIME);
		return threads;
	});
	t.deepEqual(
		counts.flatMap((count, index) => (count === 1 ? [index] : [])),
		[2],
	);
	t.true(work(pace, 10, 1).includes(1));
});

test('whatever comes, there are between one and all', t => {
	for (const seed of [1, 2, 3]) {
		const random = createRandom(seed);
		const pace = createPace(5);
		const seen = new Set<number>();
		for (let job = 0; job < 20_000; job++) {
			const crowded = random.integer(0, 99) < (job % 1000 < 500 ? 30 : 2);
			pace.note(`job ${random.integer(0, 3)}`, crowded ? random.integer(1, 20) : 0, random.integer(1, 60));
			seen.add(pace.threads);
		}

		t.deepEqual([...seen].sort(), [1, 2, 3, 4, 5]);
	}
});

test('where a job that sleeps by itself was lowered once, and a try fails for it, a faster one is not given up', t => {
	const pace = createPace(2);
	work(pace, 4, 1);
	t.is(pace.threads, 1);
	// Nothing else runs any more; each eighth job sleeps, and is as slow on one thread.
	const counts = Array.from({length: 400}, (_, index) => {
		const {threads} = pace;
		const slow = index % 8 === 0;
		pace.note(slow ? 'slow' : ENTRY, slow ? threads - 1 : 0, slow ? TIME * 1.1 ** (2 - threads) : (2 * TIME) / threads);
		return threads;
	});
	t.deepEqual(new Set(counts.slice(-300)), new Set([2]));
});
