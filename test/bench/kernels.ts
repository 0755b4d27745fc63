/**
 * Microseconds per call of every matvec kernel and its input form, plain variant in Node: `npx tsx test/bench/kernels.ts [filter]`.
 *
 * The best of several rounds, since other work on the machine only ever adds time. Weights are 2048 × 2048.
 */
import {codecs} from '../../compiler/codecs/index.js';
import {kernels} from '../../compiler/numeric/kernels.js';
import {normal, weightOf} from '../codecs/harness.js';

const shape = {rows: 2048, columns: 2048};
const weight = weightOf(normal(shape.rows * shape.columns, 1, 0.05), shape);
const x = normal(shape.columns, 2);
const run = kernels();

function time(call: () => void): number {
	let best = Infinity;
	for (let round = 0; round < 20; round++) {
		const start = performance.now();
		for (let i = 0; i < 10; i++) {
			call();
		}

		best = Math.min(best, (performance.now() - start) * 100);
	}

	return best;
}

const filter = process.argv[2] ?? '';
for (const codec of codecs.values()) {
	for (const parameters of codec.options(shape)) {
		const {form, matvec} = codec.kernels(parameters);
		if (!matvec.kernel.includes(filter)) {
			continue;
		}

		const parts = codec.encode(weight, parameters);
		const [list, y, input, formed, ...addresses] = run.layOut(
			4 * parts.length,
			4 * shape.rows,
			4 * shape.columns,
			form.bytes(shape.columns),
			...parts.map(part => part.length),
		) as [number, number, number, number, ...number[]];
		const {buffer} = run.memory;
		new Uint32Array(buffer, list, parts.length).set(addresses);
		new Float32Array(buffer, input, shape.columns).set(x);
		for (const [index, part] of parts.entries()) {
			new Uint8Array(buffer, addresses[index], part.length).set(part);
		}

		const {kernel} = form;
		const make = kernel === undefined ? 0 : time(() => run.call(kernel, formed, input, 1, shape.columns));
		const multiply = time(() =>
			run.call(matvec.kernel, y, kernel === undefined ? input : formed, list, shape.rows, shape.columns, ...Object.values(matvec.numbers)),
		);
		console.log(`${matvec.kernel.padEnd(22)} ${multiply.toFixed(0).padStart(6)} µs   ${(kernel ?? '').padEnd(16)} ${make.toFixed(1).padStart(6)} µs`);
	}
}
