/** Statistics of a run on the kernels against the interpreter's; what cannot be calibrated is refused by name. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {BLOCK_FLOAT, FLOAT} from '../../compiler/calibrate/arithmetic.js';
import {floatModel} from '../../compiler/calibrate/float-program.js';
import {findWeights} from '../../compiler/allocate/weights.js';
import {calibrate} from '../../compiler/calibrate/calibrate.js';
import {createSampleSize} from '../../compiler/calibrate/sample-size.js';
import {readWindows, SAMPLE} from '../../compiler/calibrate/text.js';
import {sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {tiny} from '../helpers/tiny-language-model.js';
import {openTiny, POSITIONS, runTiny} from './tiny.js';

/** More than the tokens of one call of prefill. */
const LENGTH = 90;

const windows = [3, 11].map(step => Array.from({length: LENGTH}, (_, index) => (index * index * step + index) % tiny.vocabulary));

/** Every input of a product in a run of the interpreter, by the name of the constant. */
function inputsOf({graph}: TypedGraph, ids: readonly number[]): Map<string, Tensor> {
	const linears = graph.nodes.filter(({op}) => op === 'snug.Linear');
	const values = runTiny({...graph, outputs: linears.map(({inputs}) => inputs[0]!), states: graph.states}, ids);
	return new Map(linears.map(({inputs}) => [inputs[1]!, values.get(inputs[0]!)!]));
}

const cases = [false, true].flatMap(turned => [
	{title: turned ? ', with the stream rotated and siblings parted' : '', turned, arithmetic: FLOAT, rounding: 1e-4},
	{title: `, in block floating point${turned ? ', turned' : ''}`, turned, arithmetic: BLOCK_FLOAT, rounding: 3e-3},
]);

for (const {title, turned, arithmetic, rounding} of cases) {
	test(`the Gram matrices are those of the interpreter${title}`, async t => {
		const typed = openTiny(t, turned ? undefined : []);
		const weights = findWeights(typed.graph);
		const model = floatModel(typed, weights, POSITIONS, {arithmetic});
		const calibration = await calibrate(model, windows);
		const runs = windows.map(window => inputsOf(typed, window));
		// Four products a layer, whose siblings are joined, and the head, which is the table; turned, two more a layer and the gain of the last norm.
		t.is(calibration.size, turned ? 6 * tiny.layers + 2 : 4 * tiny.layers + 1);
		for (const {name, columns, uses} of weights) {
			const statistics = calibration.get(name)!;
			const inputs = runs.map(run => uses.map(use => run.get(use)).find(value => value !== undefined)!);
			const expected = new Float64Array(columns * columns);
			const sampleSize = createSampleSize(columns);
			for (const {data, dims} of inputs) {
				const x = data as Float32Array;
				t.is(sizeOf(dims), LENGTH * columns);
				sampleSize.add(x);
				for (let token = 0; token < LENGTH; token++) {
					for (let i = 0; i < columns; i++) {
						for (let j = 0; j < columns; j++) {
							expected[i * columns + j]! += (x[token * columns + i]! * x[token * columns + j]!) / (windows.length * LENGTH);
						}
					}
				}
			}

			const size = sampleSize.effective();
			t.true(Math.abs(statistics.sampleSize / size - 1) <= rounding, `${name}: ${statistics.sampleSize} vectors are like ${size}`);
			const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
			const error = expected.reduce((most, value, index) => Math.max(most, Math.abs(value - statistics.gram[index]!)), 0);
			t.true(largest > 0 && error <= rounding * largest, `${name}: ${error} of ${largest}`);
		}
	});
}

test('the sample gives windows of a model with a tokenizer', t => {
	const directory = fileURLToPath(new URL('../models/books-3m/', import.meta.url));
	const made = readWindows(SAMPLE, {directory, tokenizer: 'tokenizer.json'}, {context: 256, windows: 24});
	t.is(made.length, 24);
	t.true(made.every(window => window.length === 256 && window.every(id => Number.isInteger(id) && id >= 0 && id < 2048)));
	t.is(new Set(made.map(String)).size, 24);
});

test('windows that are texts of their own have the tokens around them that the tokenizer puts there', t => {
	const directory = temporaryFolder(t);
	const special = (id: string) => ({SpecialToken: {id, type_id: 0}});
	const words = Array.from({length: 30}, (_, index) => `w${index}`);
	const vocab = Object.fromEntries(['[UNK]', '[CLS]', '[SEP]', 'a', ...words].map((token, id) => [token, id]));
	const entry = (token: string) => ({id: token, ids: [vocab[token]], tokens: [token]});
	const added = ['[UNK]', '[CLS]', '[SEP]'].map(content => ({
		...{id: vocab[content], content, special: true},
		...{single_word: false, lstrip: false, rstrip: false, normalized: false},
	}));
	const tokenizer = {
		version: '1.0',
		added_tokens: added,
		normalizer: null,
		pre_tokenizer: {type: 'Whitespace'},
		post_processor: {
			type: 'TemplateProcessing',
			single: [special('[CLS]'), {Sequence: {id: 'A', type_id: 0}}, special('[SEP]')],
			pair: [special('[CLS]'), {Sequence: {id: 'A', type_id: 0}}, special('[SEP]'), {Sequence: {id: 'B', type_id: 1}}, special('[SEP]')],
			special_tokens: {'[CLS]': entry('[CLS]'), '[SEP]': entry('[SEP]')},
		},
		decoder: null,
		model: {type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab},
	};
	writeFileSync(path.join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
	const file = path.join(directory, 'text.txt');
	const text = Array.from({length: 400}, (_, index) => `w${(7 * index) % 30}`);
	writeFileSync(file, text.join(' '));
	const source = {directory, tokenizer: 'tokenizer.json'};
	const bare = readWindows(file, source, {context: 10, windows: 5});
	const framed = readWindows(file, source, {context: 10, windows: 5, framed: true});
	t.deepEqual([bare.length, framed.length], [5, 5]);
	t.true(bare.every(window => window.length === 10 && window.every(id => id > 2)));
	for (const [index, window] of framed.entries()) {
		t.is(window.length, 10);
		t.deepEqual([window[0], window.at(-1)], [1, 2]);
		const start = Math.max(8, Math.floor((400 - 8) / 5)) * index;
		t.deepEqual(
			window.slice(1, -1),
			text.slice(start, start + 8).map(word => vocab[word]!),
		);
	}
});

test('a text that is not there, that is empty, or a model without tokenizer is refused by name', t => {
	const folder = temporaryFolder(t);
	const empty = path.join(folder, 'empty.txt');
	writeFileSync(empty, ' \n');
	const text = {directory: fileURLToPath(new URL('../models/books-3m/', import.meta.url)), tokenizer: 'tokenizer.json'};
	const options = {context: 16, windows: 2};
	t.throws(() => readWindows(path.join(folder, 'none.txt'), text, options), {message: /none\.txt.*ENOENT/});
	t.throws(() => readWindows(empty, text, options), {message: /empty\.txt.*empty/});
	const short = path.join(folder, 'short.txt');
	writeFileSync(short, 'Once upon a time there was a text.');
	t.throws(() => readWindows(short, text, options), {message: /short\.txt.*at least 256 tokens.*found \d+ tokens/});
	t.throws(() => readWindows(SAMPLE, undefined, options), {message: /tokenizer\.json/});
});

test('a calibration is stopped by its signal', async t => {
	const typed = openTiny(t, []);
	const reason = new Error('enough');
	await t.throwsAsync(calibrate(floatModel(typed, findWeights(typed.graph), POSITIONS), windows, {signal: AbortSignal.abort(reason)}), {is: reason});
});
