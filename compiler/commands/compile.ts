/** `snug compile`: an ONNX model to a bundle that fits a budget. */
import path from 'node:path';
import {allocations} from '../allocate/importance.js';
import {DEFAULT_PREFERENCE, preferences} from '../allocate/preference.js';
import {findProfile} from '../../profiles/index.js';
import {defaultCacheFolder} from '../jobs/cache.js';
import type {PrepareOptions} from '../prepare.js';
import {createProgress, type Progress} from '../progress.js';
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import {defineCommand, printJson, type Io} from './command.js';
import {choiceOption, countOption, listOption, numberOption, otherwise, pairs, readDim, sizeOption, sizesOption, textOption} from './options.js';

export const compileCommand = defineCommand({
	usage: 'compile <model>',
	summary: 'Compile an ONNX model to a folder of static files that fits a budget',
	examples: [
		['snug compile model.onnx --budget 60MB -o out', 'Weights, state and program in 60 MB'],
		['snug compile model.onnx --profile android-4gb -o out', 'Limits and budget of a device'],
		['snug compile model.onnx --sweep 40MB,60MB,80MB', 'What each budget would cost'],
		['snug compile model.onnx --bits 4 --codecs scalar -o out', 'Choose the code yourself'],
		['snug compile vision.onnx --dim height=224 --dim width=224 -o out', 'Fix free dimensions'],
	],
	options: parser =>
		parser
			.positional('model', {
				type: 'string',
				demandOption: true,
				description: 'The .onnx file; external data, tokenizer.json and config.json are found beside it',
			})
			.option('output', {...textOption('--output', 'The folder to write; with --sweep, if at all, an .html file'), alias: 'o'})
			.option('profile', textOption('--profile', "A device: a name of 'snug profiles', or a .json file"))
			.option('budget', {...sizeOption('--budget', 'Bytes that the model may hold: 60MB, 64MiB, bytes'), ...otherwise("the profile's")})
			.option('sweep', sizesOption('--sweep', 'Write no bundle: compare these budgets, as 40MB,60MB,80MB'))
			.option('codecs', {...listOption('--codecs', 'Codecs to choose from, separated by commas'), ...otherwise('all')})
			.option('bits', {...numberOption('--bits', 'Bits per weight, the same for all', 1), ...otherwise('as the budget allows')})
			.option('prefer', {
				...choiceOption('--prefer', 'What a choice of codes under a budget is for', preferences),
				...otherwise(DEFAULT_PREFERENCE),
			})
			.option('protect', listOption('--protect', 'Weights, by their names, that get 8 bits at least; * stands for any characters'))
			.option('allocation', {
				...choiceOption(
					'--allocation',
					'What decides between codes under a budget: predicted losses, losses measured code by code (slow), or layers by rank (LIM, ZD; to compare)',
					allocations,
				),
				...otherwise('loss'),
			})
			.option('calibration', {
				...textOption(
					'--calibration',
					'A text like those of the users, or a .npz with an array of samples for every input: what matters on it is kept best; none for none',
				),
				...otherwise("'sample', pages of five books, where a budget decides and the model reads text"),
			})
			.option('calibration-tokens', {
				...countOption('--calibration-tokens', 'About so many tokens of that text, as far as it goes: more lose less at few bits, and take longer', 256),
				...otherwise('20480, of a large model 8192'),
			})
			.option('no-refine', {
				type: 'boolean',
				default: false,
				description: 'Leave out the pass in which each weight is encoded on what the ones before it produce',
			})
			.option('transforms', {
				...listOption('--transforms', 'Changes to weights that make them easier to encode; none for none'),
				...otherwise('with --calibration those that help'),
			})
			.option('atoms', {
				...choiceOption('--atoms', 'Weights that layers mix from shared atoms: keep the atoms, for fewer bytes, or mix, for speed', ['keep', 'mix']),
				...otherwise('keep'),
			})
			.option('max-sequence', {...countOption('--max-sequence', 'Positions that the state may hold'), ...otherwise("the profile's, else 1024")})
			.option('dim', {
				type: 'string',
				array: true,
				requiresArg: true,
				description: 'NAME=N fixes a free dimension, NAME=1..N bounds it, batch=* frees the batch; once for each',
				coerce: (value: readonly string[]) => pairs('--dim', value, readDim),
			})
			.option('cache-precision', {
				...choiceOption('--cache-precision', 'Type of the key-value cache', ['float32', 'float16', 'int8']),
				...otherwise('the widest that takes a tenth of the budget'),
			})
			.option('cache', {...textOption('--cache', 'A folder that keeps what takes long, for another budget; none for none'), ...otherwise('~/.cache/snug')})
			.option('queue', {...textOption('--queue', 'A Redis whose snug workers run the jobs: redis://host:6379'), ...otherwise('this machine runs them')})
			.option('store', textOption('--store', 'With --queue: a folder that this machine and all workers can write to, or s3://BUCKET'))
			.option('threads', {...countOption('--threads', 'Threads that may compute together'), ...otherwise("the profile's, else 4")})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'})
			.conflicts('sweep', ['budget', 'bits'])
			.check(({output, sweep}) => {
				if (sweep === undefined && output === undefined) {
					throw new Error('Missing required argument: output');
				}

				if (sweep !== undefined && output !== undefined && !output.endsWith('.html')) {
					throw new Error(`--output: expected an .html file with --sweep, found '${output}'`);
				}

				return true;
			})
			.group(['profile', 'budget', 'sweep', 'max-sequence'], 'Memory:')
			.group(
				['codecs', 'bits', 'prefer', 'protect', 'allocation', 'calibration', 'calibration-tokens', 'no-refine', 'transforms', 'atoms', 'cache-precision'],
				'Compression:',
			)
			.group(['dim'], 'Shapes:')
			.implies({queue: 'store', store: 'queue'})
			.group(['cache', 'queue', 'store', 'threads'], 'Speed:'),
	async run(
		{
			model,
			output,
			profile,
			budget,
			sweep: budgets,
			codecs,
			bits,
			prefer,
			protect,
			allocation,
			calibration,
			calibrationTokens,
			noRefine,
			transforms,
			atoms,
			maxSequence,
			dim,
			cachePrecision,
			cache,
			queue,
			store,
			threads,
			json,
		},
		io,
	) {
		const device = profile === undefined ? undefined : findProfile(profile);
		const {AUTO} = await import('../prepare.js');
		const progress = createProgress(io.stderr);
		const options: PrepareOptions = {
			...(device && {profile: device}),
			...(budget !== undefined && {budget}),
			...(codecs && {codecs}),
			...(bits !== undefined && {bits}),
			...(prefer && {prefer}),
			...(protect && {protect}),
			...(allocation && {allocation}),
			...(calibration === 'none' ? {} : {calibration: calibration ?? AUTO}),
			...(calibrationTokens !== undefined && {calibrationTokens}),
			refine: !noRefine,
			...(transforms && {transforms: transforms.filter(name => name !== 'none')}),
			...(atoms && {atoms}),
			...(maxSequence !== undefined && {maxSequence}),
			...(dim && {dims: Object.fromEntries(dim)}),
			...(cachePrecision && {cachePrecision}),
			...(cache === 'none' ? {} : {cache: cache ?? defaultCacheFolder()}),
			...(queue !== undefined && {
				queue: {
					url: queue,
					store: store!,
					onAlone() {
						progress.end();
						io.stderr.write("no worker is there: start 'snug worker' of this version on any machine, with the same --queue and --store\n");
					},
				},
			}),
			...(threads !== undefined && {threads}),
			onProgress: progress.update,
			onWarning(message) {
				progress.end();
				io.stderr.write(`${message}\n`);
			},
			signal: io.signal,
		};
		try {
			if (budgets) {
				await runSweep(model, budgets, options, {output, json, io, progress});
				return;
			}

			const {compile} = await import('../compile.js');
			const result = await compile(model, {...options, output: output!});
			progress.end();
			if (json) {
				printJson(io, result);
				return;
			}

			const {bytes, bitsPerWeight, seconds} = result;
			if (calibration === undefined && result.calibration !== null) {
				io.stderr.write(`calibrated on ${result.calibration}: a text like those of your users, as --calibration FILE, says better what to keep\n`);
			}

			const limit = budget === undefined && !device ? '' : ` of ${formatSize(result.budget)} (${result.decidedBy})`;
			io.stdout.write(
				`${result.bundle}: ${formatSize(bytes.total)}${limit}, ${bitsPerWeight.toFixed(2)} bits per weight, in ${seconds.toFixed(1)} s\n${formatTable(
					Object.entries(bytes).map(([name, size]) => [`  ${name}`, formatSize(size)]),
				)}\n`,
			);
		} finally {
			progress.end();
		}
	},
});

type SweepIo = {readonly output: string | undefined; readonly json: boolean; readonly io: Io; readonly progress: Progress};

async function runSweep(model: string, budgets: readonly number[], options: PrepareOptions, {output, json, io, progress}: SweepIo): Promise<void> {
	const [{sweep}, {formatSweep}, {refuseUnwritable, writePage}] = await Promise.all([
		import('../sweep.js'),
		import('../report/sweep-text.js'),
		import('../report/sweep-page.js'),
	]);
	if (output !== undefined) {
		refuseUnwritable(output);
	}

	const result = await sweep(model, budgets, options);
	progress.end();
	if (output !== undefined) {
		writePage(output, path.basename(path.dirname(path.resolve(model))), result);
	}

	if (json) {
		printJson(io, result);
	} else {
		io.stdout.write(`${formatSweep(result)}\n`);
	}
}
