/** What a compile does where no calibration was asked for: the sample where it can be used, a warning where it cannot, and no price of time without it. */
import {copyFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {compile} from '../compiler/compile.js';
import {AUTO} from '../compiler/prepare.js';
import {findModel} from './helpers/models.js';
import {temporaryFolder} from './helpers/temporary.js';

test('a model with a tokenizer is calibrated on the sample, one without is not', async t => {
	const folder = temporaryFolder(t);
	const model = path.join(folder, 'model.onnx');
	copyFileSync(findModel('books-3m')!, model);
	const options = {budget: 3e6, calibration: AUTO, refine: false, codecs: ['planes', 'scalar'], output: path.join(folder, 'out')};
	const warnings: string[] = [];
	const without = await compile(model, {...options, onWarning: message => warnings.push(message)});
	t.is(without.calibration, null);
	t.deepEqual(warnings, []);
	await t.throwsAsync(compile(model, {...options, prefer: 'speed'}), {message: /the preference 'speed'.*no calibration/});
	await t.throwsAsync(compile(model, {...options, calibrationTokens: 600}), {message: /a calibration of 600 tokens.*no calibration/});

	copyFileSync(path.join(path.dirname(findModel('books-3m')!), 'tokenizer.json'), path.join(folder, 'tokenizer.json'));
	const windows: number[] = [];
	const calibrated = await compile(model, {...options, onProgress: (stage, _, total) => (stage === 'calibrate' ? windows.push(total) : undefined)});
	t.is(calibrated.calibration, 'sample');
	await compile(model, {...options, calibrationTokens: 600, onProgress: (stage, _, total) => (stage === 'calibrate' ? windows.push(total) : undefined)});
	// Of 512 tokens each.
	t.deepEqual([...new Set(windows)], [40, 2]);

	// The sequential pass sees all, the choice before it half.
	const stopped = async (calibrationTokens: number, stage: string): Promise<readonly number[]> => {
		const totals: number[] = [];
		const control = new AbortController();
		const onProgress = (now: string, _: number, total: number): void => {
			totals.push(...(now === 'calibrate' ? [total] : []));
			if (now === stage) {
				control.abort(new Error('enough'));
			}
		};

		const {refine: __, ...refined} = options;
		await t.throwsAsync(compile(model, {...refined, calibrationTokens, signal: control.signal, onProgress, onWarning: message => warnings.push(message)}), {
			message: 'enough',
		});
		return [...new Set(totals)];
	};

	t.deepEqual(await stopped(40 * 512, 'sensitivity'), [20]);
	t.deepEqual(warnings, []);
	t.deepEqual(await stopped(1e6, 'transforms'), []);
	t.regex(warnings.join('\n'), /^calibrated on \d+ tokens of the 1000000 asked for: the text has no more$/);
	for (const calibrationTokens of [0, 12, Number.NaN]) {
		await t.throwsAsync(compile(model, {...options, calibrationTokens}), {message: /tokens of a calibration: say too little.*at least 256/});
	}
});

test('where the sample cannot be used, a compile says so and goes on', async t => {
	const folder = temporaryFolder(t);
	for (const file of ['model.onnx', 'tokenizer.json']) {
		copyFileSync(path.join(path.dirname(findModel('books-3m')!), file), path.join(folder, file));
	}

	const warnings: string[] = [];
	// The sample has fewer tokens than a sequence of this fixed length, whose activations fit no such budget.
	const options = {budget: 60e6, calibration: AUTO, maxSequence: 40_000, dims: {sequence_length: 30_000}, codecs: ['scalar'], output: path.join(folder, 'out')};
	await t.throwsAsync(compile(path.join(folder, 'model.onnx'), {...options, onWarning: message => warnings.push(message)}), {message: /^budget of 60 MB/});
	t.is(warnings.length, 1);
	t.regex(warnings[0]!, /^not calibrated: calibration text 'sample': is shorter/);
	await t.throwsAsync(compile(path.join(folder, 'model.onnx'), {...options, calibration: 'sample'}), {message: /calibration text 'sample': is shorter/});
});
