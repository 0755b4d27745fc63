/** Parts of the page that need no document: pace, words for errors, embeddings. */
import test from 'ava';
import {SnugError} from '../compiler/error.js';
import type {Manifest} from '../compiler/bundle/format.js';
import {cosine, embed} from '../runtime-wasm/page/embedding.js';
import {bytes, milliseconds, rate} from '../runtime-wasm/page/figures.js';
import {startPace} from '../runtime-wasm/page/pace.js';
import {problemOf} from '../runtime-wasm/page/problem.js';
import type {Feed, Model} from '../runtime-wasm/loader/types.js';

test('the pace of an answer: the first piece, the last ones, and the whole', t => {
	const pace = startPace(1000);
	t.is(pace.first, undefined);
	t.is(pace.overall(5), undefined);
	// Ten a second, then a hundred a second.
	for (let index = 0; index < 20; index++) {
		pace.piece(1500 + 100 * index);
	}

	t.is(pace.first, 500);
	t.is(pace.recent, 10);
	t.is(pace.overall(20), 10);
	for (let index = 1; index <= 20; index++) {
		pace.piece(3400 + 10 * index);
	}

	t.is(Math.round(pace.recent), 100);
	// More tokens than pieces: some came together.
	t.is(pace.overall(43), 20);
	t.is(pace.pieces, 40);
	t.is(pace.history.at(-1), pace.recent);
});

test('figures have three digits', t => {
	t.deepEqual([999, 1000, 12_345, 999_600, 87_600_000, 4_296_704].map(bytes), ['999 B', '1.00 kB', '12.3 kB', '1.00 MB', '87.6 MB', '4.30 MB']);
	t.deepEqual([1.25, 9.96, 63.7, 1234].map(rate), ['1.3', '10', '64', '1234']);
	t.deepEqual([2.34, 45.6, 1900].map(milliseconds), ['2.3 ms', '46 ms', '1.9 s']);
});

test('an error says what happened and the way out', t => {
	const of = (code: string, problem = 'a problem', hint?: string) => problemOf(new SnugError(code, {subject: 'x', problem, ...(hint && {hint})}));
	t.like(of('no-memory'), {title: 'This device has no room for the model', fatal: false, full: false, detail: 'x: a problem'});
	t.like(of('worker-failed'), {fatal: true});
	t.like(of('bad-prompt', 'too long'), {title: 'The conversation is longer than the model can see', full: true});
	t.like(of('bad-prompt', 'empty', 'give a token'), {title: 'Something went wrong', wayOut: 'give a token', full: false});
	t.like(problemOf(new RangeError('WebAssembly.Memory(): could not allocate memory')), {title: 'This device has no room for the model'});
	t.like(problemOf('a text'), {title: 'Something went wrong', detail: 'a text'});
});

test('an embedding is the mean of the tokens, of length 1', async t => {
	const fed: Array<Readonly<Record<string, Feed>>> = [];
	const model = {
		tokenize: async () => [5, 7],
		run: async (feeds: Readonly<Record<string, Feed>>) => {
			fed.push(feeds);
			return {states: {type: 'float32', dims: [1, 2, 2], data: Float32Array.of(1, 8, 5, 0)}};
		},
	} as unknown as Model;
	const port = (name: string, rest: object = {}) => ({name, dtype: 'int64', shape: [1, {sequence: 1}], address: 0, bytes: 0, ...rest});
	const manifest = {
		inputs: [port('ids', {fill: 'tokens'}), port('mask', {fill: 'ones'}), port('types'), port('unread', {address: -1})],
		outputs: [{name: 'states', dtype: 'float32', shape: [1, {sequence: 1}, 2], address: 0, bytes: 0}],
	} as unknown as Manifest;
	const {vector, tokens} = await embed(model, manifest, 'two words');
	t.is(tokens, 2);
	// The mean is (3, 4).
	t.true(Math.abs(vector[0]! - 0.6) < 1e-6 && Math.abs(vector[1]! - 0.8) < 1e-6);
	t.deepEqual(fed[0], {
		ids: {type: 'int64', dims: [1, 2], data: [5n, 7n]},
		types: {type: 'int64', dims: [1, 2], data: [0n, 0n]},
	});
	t.true(Math.abs(cosine(vector, vector) - 1) < 1e-6);
});
