/**
 * Tokens a second beside other work: one thread and as many as there are cores, with none, one and more cores taken by loops of other threads.
 *
 *   npm run bench -- busy [--model NAME] [--tokens N] [--rounds N]
 */
import {availableParallelism} from 'node:os';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {Worker} from 'node:worker_threads';
import {buildLoader} from '../../runtime-wasm/build-loader.js';
import type {load as loadModel} from '../../runtime-wasm/loader/index.js';
import {compileModel, findModel, missing} from '../helpers/models.js';

const {values: given} = parseArgs({
	options: {model: {type: 'string', default: 'books-3m'}, tokens: {type: 'string', default: '200'}, rounds: {type: 'string', default: '3'}},
});
const [tokens, rounds] = [given.tokens, given.rounds].map(Number) as [number, number];
const file = findModel(given.model);
if (file === undefined) {
	throw new Error(missing(given.model));
}

const cores = availableParallelism();
await using compiled = await compileModel(file, {bits: 4, codecs: ['scalar'], threads: cores});
await buildLoader(path.join(compiled.bundle, 'loader'));
const {load} = (await import(pathToFileURL(path.join(compiled.bundle, 'loader/runtime.node.js')).href)) as {load: typeof loadModel};

async function speed(threads: number): Promise<number> {
	const model = await load(compiled.bundle, {threads});
	let best = 0;
	for (let round = 0; round < rounds; round++) {
		model.reset();
		const start = performance.now();
		let count = 0;
		for await (const _ of model.generateTokens([1, 2, 3, 4], {maxTokens: tokens, temperature: 0, stopTokens: []})) {
			count++;
		}

		best = Math.max(best, (1000 * count) / (performance.now() - start));
	}

	model.release();
	return best;
}

console.log(`${given.model}, 4 bits, ${cores} cores: tokens a second, the best of ${rounds} rounds`);
for (let busy = 0; busy <= cores; busy++) {
	const loops = Array.from({length: busy}, () => new Worker('for (;;);', {eval: true}));
	try {
		const found: string[] = [];
		for (const threads of new Set([1, cores])) {
			found.push(`${threads} ${threads === 1 ? 'thread' : 'threads'} ${(await speed(threads)).toFixed(1)}`);
		}

		console.log(`${busy} busy: ${found.join(', ')}`);
	} finally {
		await Promise.all(loops.map(async loop => loop.terminate()));
	}
}
