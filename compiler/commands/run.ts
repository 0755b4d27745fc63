/** `snug run`: continues a prompt, or runs arrays, with a bundle. */
import {createProgress} from '../progress.js';
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import {defineCommand, printJson, type Io} from './command.js';
import {countOption, numberOption, otherwise, pairs, sizeOption, textOption} from './options.js';

export const runCommand = defineCommand({
	usage: 'run <bundle>',
	summary: 'Run a bundle: continue a prompt, or compute outputs from arrays',
	examples: [
		['snug run out -p "Once upon a time"', 'Print the text as it comes'],
		['snug run out -p "Once" --max-tokens 64 --temperature 0.8 --seed 1', 'Sample'],
		['snug run out --input input_ids=ids.npy -o out.npz', 'Arrays in, arrays out'],
	],
	options: parser =>
		parser
			.positional('bundle', {type: 'string', demandOption: true, description: 'The folder that compile wrote'})
			.option('prompt', {...textOption('--prompt', 'The text to continue'), alias: 'p'})
			.option('max-tokens', {...countOption('--max-tokens', 'Tokens to write at most'), ...otherwise('256')})
			.option('temperature', {...numberOption('--temperature', '0 takes the likeliest token'), ...otherwise("the model's own, else 0")})
			.option('seed', countOption('--seed', 'Repeats a sampled text', 0))
			.option('input', {
				type: 'string',
				array: true,
				requiresArg: true,
				description: 'NAME=FILE.npy, once for each input',
				coerce: (value: readonly string[]) => pairs('--input', value, file => file),
			})
			.option('output', {...textOption('--output', 'A .npz file for the outputs, each under its name'), alias: 'o'})
			.option('budget', {...sizeOption('--budget', 'Bytes that the model may hold'), ...otherwise("the bundle's largest level")})
			.option('threads', {...countOption('--threads', 'Threads that compute'), ...otherwise('one for each core')})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'})
			.group(['prompt', 'max-tokens', 'temperature', 'seed'], 'Text:')
			.group(['input', 'output'], 'Arrays:')
			.check(({prompt, input, output, ...rest}) => {
				if ((prompt === undefined) === (input === undefined)) {
					throw new Error('expected either --prompt TEXT or --input NAME=FILE.npy');
				}

				const misplaced =
					prompt === undefined
						? (['max-tokens', 'temperature', 'seed'] as const).find(name => rest[name] !== undefined)
						: output === undefined
							? undefined
							: 'output';
				if (misplaced !== undefined) {
					throw new Error(`--${misplaced} goes with ${prompt === undefined ? '--prompt' : '--input'}`);
				}

				return true;
			}),
	async run({bundle, prompt, input, output, json, maxTokens, temperature, seed, budget, threads}, io) {
		const {runText, runArrays} = await import('../run-bundle.js');
		const progress = createProgress(io.stderr);
		const options = {budget, threads, signal: io.signal, onProgress: progress.update};
		try {
			if (input) {
				const result = await runArrays(bundle, input, output, options);
				progress.end();
				print(
					io,
					json,
					result,
					`${formatTable([['output', 'type', 'dims'], ...result.outputs.map(({name, type, dims}) => [name, type, dims.join(' × ')])])}\n`,
				);
				return;
			}

			let started = false;
			const onText = (text: string): void => {
				if (!started) {
					started = true;
					progress.end();
				}

				if (!json) {
					io.stdout.write(text);
				}
			};

			const result = await runText(bundle, prompt ?? '', {...options, maxTokens, temperature, seed, onText});
			progress.end();
			print(io, json, result, '\n');
			if (!json && io.stderr.isTTY) {
				io.stderr.write(
					`${result.tokens} tokens, ${result.tokensPerSecond.toFixed(1)} a second, the first after ${result.timeToFirstToken.toFixed(2)} s, ${formatSize(result.memory)}\n`,
				);
			}
		} finally {
			progress.end();
		}
	},
});

const print = (io: Io, json: boolean, result: unknown, text: string): void => {
	if (json) {
		printJson(io, result);
	} else {
		io.stdout.write(text);
	}
};
