/** Every figure about a bundle's size is the same number, whatever the budget: the plan's, the report's, the files' and the loader's. */
import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {PAGE} from '../../compiler/bundle/format.js';
import {readManifest} from '../../compiler/bundle/read.js';
import {compile} from '../../compiler/compile.js';
import {SnugError} from '../../compiler/error.js';
import {random} from '../../runtime-wasm/loader/random.js';
import {load} from '../../runtime-wasm/loader/index.js';
import {compileModel, findModel, missing} from './models.js';
import {temporaryFolder} from './temporary.js';

export type Draw = {
	readonly model: string;
	readonly count: number;
	readonly seed: number;
	readonly most: number;
	/** The part of a budget that is used where more would help. */ readonly used: number;
};

/** Tests `count` budgets between the least that fits and `most`, drawn at equal odds for each factor. */
export function testSizes({model, count, seed, most, used}: Draw): void {
	test.serial(`figures about the size of ${model} agree for ${count} budgets`, async t => {
		const file = findModel(model);
		if (file === undefined) {
			t.log(`skipped: ${missing(model)}`);
			t.pass();
			return;
		}

		const least = await leastBudget(t, file);
		const next = random(seed);
		const cache = temporaryFolder(t);
		t.log(`${least} bytes at least`);
		for (let index = 0; index < count; index++) {
			const budget = Math.ceil(least * (most / least) ** next());
			await checkBudget(t, {file, cache, budget, used});
		}
	});
}

/** What the refusal of a budget names as enough is enough, and a byte less is not. */
async function leastBudget(t: ExecutionContext, model: string): Promise<number> {
	const output = path.join(temporaryFolder(t), 'bundle');
	const refusal = await t.throwsAsync(compile(model, {output, budget: 1000}), {instanceOf: SnugError});
	const bytes = Number(/\((\d+) bytes\)/.exec(refusal.message)?.[1]);
	t.true(bytes > 1000, refusal.message);
	return bytes;
}

type Case = {readonly file: string; readonly cache: string; readonly budget: number; readonly used: number};

async function checkBudget(t: ExecutionContext, {file, cache, budget, used}: Case): Promise<void> {
	await using compiled = await compileModel(file, {budget, cache});
	const {report, levels, programs} = readManifest(compiled.bundle);
	const {total, weights, state, activations, program, other, padding} = report;
	const level = levels[0]!;
	t.true(total <= budget, `${total} of ${budget}`);
	// Codes are chosen to use the room, unless nothing is left to gain.
	t.true(total >= used * budget || compiled.levels[0]!.loss === 0, `${total} of ${budget}`);
	t.is(weights + state + activations + program + other + padding, total);
	t.true(Math.min(weights, state, activations, program, other, padding) >= 0);
	t.is(level.bytes, total);
	t.is(compiled.bytes.total, total);
	t.is(level.memory % PAGE, 0);
	t.is(level.memory + program, total);
	const [plain, relaxed] = [programs.plain, programs.relaxed].map(entry => statSync(path.join(compiled.bundle, entry.file)).size) as [number, number];
	t.is(program, Math.max(plain, relaxed));
	checkPages(t, path.join(compiled.bundle, programs.plain.file), level.memory / PAGE);
	const loaded = await load(compiled.bundle, {budget, simd: 'plain'});
	const {memory} = loaded.info;
	loaded.release();
	// Both programs are equally long, so one figure holds for either.
	t.is(memory, total);
	t.log(`budget ${budget}: ${total}, ${((100 * total) / budget).toFixed(1)} %, ${report.bitsPerWeight.toFixed(2)} bits; plain ${plain}, relaxed ${relaxed}`);
}

/** The program itself takes a memory of so many pages and no other. */
function checkPages(t: ExecutionContext, file: string, pages: number): void {
	const module = new WebAssembly.Module(readFileSync(file));
	const link = (count: number): WebAssembly.Instance =>
		new WebAssembly.Instance(module, {env: {memory: new WebAssembly.Memory({initial: count, maximum: count})}});
	t.notThrows(() => link(pages));
	for (const count of [pages - 1, pages + 1]) {
		t.throws(() => link(count), {instanceOf: WebAssembly.LinkError});
	}
}
