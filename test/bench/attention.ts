/**
 * Microseconds per call of attention, one thread, plain variant in Node: `npx tsx test/bench/attention.ts [filter]`. A small decoder (9
 * heads on 3, width 64) with 1 and 64 queries behind caches of each storage, and a small encoder. The last column is the time against
 * that behind 128 positions.
 *
 * The best of many rounds, since other work on the machine only ever adds time; cases take turns, so that all see the same machine.
 */
import {kernels, type CompileKernels} from '../../compiler/numeric/kernels.js';
import {normal} from '../codecs/harness.js';

type Storage = 'f32' | 'f16' | 'i8';

type Case = {
	readonly storage: Storage;
	readonly batch: number;
	readonly heads: number;
	readonly kvHeads: number;
	readonly width: number;
	readonly past: number;
	readonly queries: number;
	readonly cached: boolean;
};

const BYTES = {f32: 4, f16: 2, i8: 1} as const;
const POSITIONS = 1024;
const SCRATCH = 1 << 18;

const decoder = (storage: Storage, past: number, queries: number): Case => ({
	...{storage, past, queries, batch: 1, heads: 9, kvHeads: 3, width: 64, cached: true},
});

const filter = process.argv[2] ?? '';
const decoders = (['i8', 'f16', 'f32'] as const).flatMap(storage =>
	[1, 64].flatMap(queries => [128, 960].map((past): [string, Case] => [`${storage}, ${queries} behind ${past}`, decoder(storage, past, queries)])),
);
const encoder: Case = {storage: 'f32', past: 0, queries: 32, batch: 16, heads: 12, kvHeads: 12, width: 32, cached: false};
const cases = new Map<string, Case>([...decoders, ['f32, 16 x 32 encoded', encoder] as const].filter(([name]) => name.includes(filter)));

/** Fills `count` elements: bytes and halfs of some tenths, f32 of a normal distribution. */
function fill(memory: CompileKernels['memory'], at: number, count: number, storage: Storage): void {
	const values = normal(count, at);
	if (storage === 'f32') {
		new Float32Array(memory.buffer, at, count).set(values);
	} else if (storage === 'f16') {
		new Uint16Array(memory.buffer, at, count).set(values.map(value => 0x3000 + Math.round(Math.abs(value) * 100)));
	} else {
		new Int8Array(memory.buffer, at, count).set(values.map(value => value * 30));
	}
}

/** A call of the case, laid out over whatever another case has left. */
function prepare({storage, batch, heads, kvHeads, width, past, queries, cached}: Case): () => void {
	const run = kernels();
	const keys = past + queries;
	const positions = cached ? POSITIONS : keys;
	const [asked, held] = [batch * queries * heads * width, batch * kvHeads * positions * width];
	const size = held * BYTES[storage];
	const [y, q, k, v, scales, shape, scratch] = run.layOut(4 * asked, 4 * asked, size, size, 4 * kvHeads * positions, 4 * 22, SCRATCH) as [
		...[number, number, number, number, number, number, number],
	];
	fill(run.memory, q, asked, 'f32');
	fill(run.memory, k, held, storage);
	fill(run.memory, v, held, storage);
	new Float32Array(run.memory.buffer, scales, kvHeads * positions).fill(1 / 127);
	// Batch, head and row of keys and of values alike.
	const strides = cached ? [0, positions * width, width] : [keys * kvHeads * width, width, kvHeads * width];
	const sizes = [batch, heads, kvHeads, queries, keys, past, width, width, cached ? 1 : 0, 0, heads * width];
	new Int32Array(run.memory.buffer, shape, 22).set([...sizes, ...strides, ...strides, 0, 0, 0, 0, positions]);
	const [keyScales, valueScales] = storage === 'i8' ? [scales, scales] : [0, 0];
	return () => run.call(`attention_${storage}`, y, q, k, v, keyScales, valueScales, 0, 0, scratch, shape, width ** -0.5, 0);
}

const best = new Map<string, number>();
for (let turn = 0; turn < 4; turn++) {
	for (const [name, given] of cases) {
		const call = prepare(given);
		const repeat = given.queries === 1 ? 8 : 1;
		for (let round = 0; round < 40; round++) {
			const start = performance.now();
			for (let i = 0; i < repeat; i++) {
				call();
			}

			best.set(name, Math.min(best.get(name) ?? Infinity, ((performance.now() - start) * 1000) / repeat));
		}
	}
}

for (const [name, time] of best) {
	const near = best.get(name.replace('behind 960', 'behind 128'));
	const ratio = name.endsWith('960') && near !== undefined ? `   ${(time / near).toFixed(1)} times` : '';
	console.log(`${name.padEnd(22)} ${time.toFixed(0).padStart(6)} µs${ratio}`);
}
