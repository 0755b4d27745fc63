/** Wishes that a compilation cannot meet: each is refused with one line that says what would do, and leaves nothing behind. */
import {mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {compile, type CompileOptions} from '../compiler/compile.js';
import {SnugError} from '../compiler/error.js';
import {snug} from './helpers/command-line.js';
import {temporaryFolder} from './helpers/temporary.js';
import {tinyLanguageModel} from './helpers/tiny-language-model.js';

function place(t: ExecutionContext) {
	const folder = temporaryFolder(t);
	const model = path.join(folder, 'source', 'model.onnx');
	mkdirSync(path.dirname(model));
	writeFileSync(model, tinyLanguageModel());
	return {folder, model, output: path.join(folder, 'out')};
}

const names = {codecs: ['dense', 'planes', 'scalar']} as const;

for (const [title, options] of [
	['all codecs', {}],
	['bit planes alone', {codecs: ['planes'], maxSequence: 30}],
	['two codecs and a long state', {codecs: ['planes', 'scalar'], maxSequence: 128}],
	['a cache in f32', {cachePrecision: 'float32', maxSequence: 100}],
] as ReadonlyArray<readonly [string, Partial<CompileOptions>]>) {
	test.serial(`a budget that is too small names the smallest, which then works: ${title}`, async t => {
		const {folder, model, output} = place(t);
		const run = async (budget: number) => compile(model, {output, ...names, ...options, budget});
		const error = await t.throwsAsync(run(1000), {instanceOf: SnugError, code: 'impossible-budget'});
		t.regex(
			error.message,
			/^budget of 1 kB \(the budget option\): the model does not fit, whatever the codes: expected at least [\d.]+ kB \(\d+ bytes\), found 1000 bytes; raise --budget/,
		);
		t.deepEqual(readdirSync(folder), ['source']);
		const least = Number(/\((\d+) bytes\)/.exec(error.message)?.[1]);
		for (const budget of [least, least + 20_000, 2 * least]) {
			const {bytes} = await run(budget);
			t.true(bytes.total <= budget, `${bytes.total} of ${budget}`);
			rmSync(output, {recursive: true});
		}
	});
}

for (const [title, options, message] of [
	['an unknown codec', {codecs: ['planes', 'zip']}, /^codec 'zip': there is none of that name: expected dense, planes, scalar/],
	[
		'bits that no codec has',
		{bits: 9},
		/^weight 'table' \[96, 64\]: no code of dense, planes, .* fits it with 9 bits; name more codecs with --codecs, or other --bits$/,
	],
	['bits that the named codec has not', {bits: 3, codecs: ['scalar']}, /no code of scalar fits it with 3 bits/],
	['no positions', {maxSequence: 0}, /^--max-sequence: no number of positions: expected a whole number of at least 1, found 0$/],
	['half a position', {maxSequence: 1.5}, /found 1.5$/],
	['a negative number of positions', {maxSequence: -3}, /found -3$/],
	['positions that are no number', {maxSequence: Number.NaN}, /found NaN$/],
	[
		'more positions than the tables hold',
		{maxSequence: 129},
		/^RotaryEmbedding '.*': its table of positions is too short for --max-sequence: expected at most 128, found 129; use --max-sequence 128 or less$/,
	],
	['a budget that is no number', {budget: Number.NaN}, /^the budget option: no number of bytes: expected a number of at least 0, found NaN$/],
	['a dimension that the model has not', {dims: {nobody: 3}}, /: no input has a dimension 'nobody': expected batch, sequence, past, .*, found nobody$/],
	[
		'a batch of two for a model with state',
		{dims: {batch: 2}},
		/^state 'past_key_values.0.key': a model with state runs one sequence at a time: expected a batch of 1, found 2; leave --dim batch out$/,
	],
	['a free batch for a model with state', {dims: {batch: '*'}}, /a model with state runs one sequence at a time: expected a batch of 1, found batch/],
	['a negative dimension', {dims: {batch: -1}}, /^dimension 'batch': no valid value: expected an integer of at least 0, or bounds with min ≤ max, found -1$/],
	['bounds the wrong way round', {dims: {sequence: {min: 5, max: 2}}}, /^dimension 'sequence': no valid value: .* found 5 to 2$/],
] as ReadonlyArray<readonly [string, Partial<CompileOptions>, RegExp]>) {
	test.serial(`${title}: refused`, async t => {
		const {folder, model, output} = place(t);
		await t.throwsAsync(compile(model, {output, ...options}), {instanceOf: SnugError, message});
		t.deepEqual(readdirSync(folder), ['source']);
	});
}

for (const [argumentList, status, message] of [
	[['--max-sequence', '0'], 2, /^snug: --max-sequence: expected a whole number of at least 1, found '0'/],
	[['--max-sequence', '129'], 1, /^snug: RotaryEmbedding .* expected at most 128, found 129/],
	[['--dim', 'batch'], 2, /^snug: --dim: expected NAME=VALUE, found 'batch'/],
	[['--dim', 'batch=two'], 2, /^snug: --dim batch: expected a number \(4\), bounds \(1..8\) or \*, found 'two'/],
	[['--dim', 'batch=1', '--dim', 'batch=1'], 2, /^snug: --dim: 'batch' is given more than once/],
	[['--dim', 'nobody=3'], 1, /^snug: .* no input has a dimension 'nobody'/],
	[['--bits', '9'], 1, /^snug: weight 'table' .* fits it with 9 bits/],
	[['--codecs', 'zip'], 1, /^snug: codec 'zip': there is none of that name/],
	[['--budget', 'much'], 2, /^snug: --budget: .*'much'/],
] as ReadonlyArray<readonly [readonly string[], number, RegExp]>) {
	test.serial(`snug compile ${argumentList.join(' ')} ends with status ${status} and one line`, async t => {
		const {folder, model, output} = place(t);
		const ran = await snug(['compile', model, '-o', output, ...argumentList]);
		t.regex(ran.stderr, message);
		t.regex(ran.stderr, /^[^\n]+\n$/);
		t.is(ran.status, status);
		t.is(ran.stdout, '');
		t.deepEqual(readdirSync(folder), ['source']);
	});
}
