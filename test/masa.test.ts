/** A model trained with shared atoms: they are stored once, its outputs stay, and what that costs in time is bounded. */
import path from 'node:path';
import test from 'ava';
import {readManifest} from '../compiler/bundle/read.js';
import {load} from '../runtime-wasm/loader/index.js';
import type {Model} from '../runtime-wasm/loader/types.js';
import {compileModel, findModel, missing} from './helpers/models.js';
import {languageFeeds, relativeDifference} from './helpers/ort-model.js';

const LAYERS = 4;
/** Two atoms of queries, keys, values and outputs, for all layers together; and the same as matrices of each layer. */
const ATOMS = 2 * (256 * 256 + 2 * 128 * 256 + 256 * 256);
const MIXED = (LAYERS / 2) * ATOMS;

const name = 'books-3m-masa';

/** Milliseconds of a token, the least of several runs. */
async function timeDecode(model: Model): Promise<number> {
	const inputs = model.info.inputs.map(input => input.name);
	await model.run(languageFeeds(inputs, [1, 2, 3, 4, 5, 6, 7, 8]));
	let least = Infinity;
	for (let at = 8; at < 72; at++) {
		const started = performance.now();
		await model.run(languageFeeds(inputs, [at], at), {continue: true});
		least = Math.min(least, performance.now() - started);
	}

	return least;
}

test.serial(`atoms of ${name} are stored once, in fewer bytes than mixed weights, at most twice as slow`, async t => {
	const model = findModel(name);
	if (model === undefined) {
		t.log(`skipped: ${missing(name)}`);
		t.pass();
		return;
	}

	await using kept = await compileModel(model, {bits: 4});
	await using mixed = await compileModel(model, {bits: 4, atoms: 'mix'});
	const elements = ({bundle}: {readonly bundle: string}): number => readManifest(bundle).weights.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
	t.is(elements(mixed) - elements(kept), MIXED - ATOMS);
	const shared = readManifest(kept.bundle).weights.filter(weight => weight.name.endsWith('.atoms'));
	t.deepEqual(
		shared.map(({rows, columns}) => rows * columns).reduce((sum, size) => sum + size, 0),
		ATOMS,
	);
	// Half a byte for each weight that is gone, and its scales.
	t.true(mixed.bytes.total - kept.bytes.total > ((MIXED - ATOMS) / 2) * 0.9, `${kept.bytes.total} and ${mixed.bytes.total}`);

	const [a, b] = [await load(path.resolve(kept.bundle)), await load(path.resolve(mixed.bundle))];
	let [own, other] = [Infinity, Infinity];
	for (let round = 0; round < 3; round++) {
		own = Math.min(own, await timeDecode(a));
		other = Math.min(other, await timeDecode(b));
	}

	t.log(`a token: ${own.toFixed(3)} ms with atoms, ${other.toFixed(3)} ms mixed: ${(own / other).toFixed(2)} times`);
	t.true(own <= 2 * other, `${own} and ${other}`);
	a.release();
	b.release();
});

test.serial(`atoms of ${name} without loss give the mixed model's outputs`, async t => {
	const model = findModel(name);
	if (model === undefined) {
		t.log(`skipped: ${missing(name)}`);
		t.pass();
		return;
	}

	await using kept = await compileModel(model, {bits: 32});
	await using mixed = await compileModel(model, {bits: 32, atoms: 'mix'});
	const outputs = [];
	for (const {bundle} of [kept, mixed]) {
		const opened = await load(path.resolve(bundle));
		const inputs = opened.info.inputs.map(input => input.name);
		outputs.push((await opened.run(languageFeeds(inputs, [5, 17, 300, 41]), {logits: 'all'}))['logits']!);
		opened.release();
	}

	t.true(relativeDifference(outputs[0]!, outputs[1]!) < 1e-4);
});
