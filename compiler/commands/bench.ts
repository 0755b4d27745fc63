/** `snug bench`: how fast a bundle loads, reads a prompt and writes, and what memory that takes. */
import type {BenchResult} from '../bench/bench.js';
import type {Spread} from '../bench/statistics.js';
import {createProgress} from '../progress.js';
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import {defineCommand, printJson} from './command.js';
import {choiceOption, countOption, otherwise, pairs, readCount, sizeOption, textOption} from './options.js';

export const benchCommand = defineCommand({
	usage: 'bench <bundle>',
	summary: 'Measure the speed and the memory of a bundle, in Chromium or Node',
	examples: [
		['snug bench out', 'Load, prefill and decode in headless Chromium'],
		['snug bench out --threads 1 --simd plain', 'As on the least of devices'],
		['snug bench out --prompt-tokens 960', 'Pace far into a conversation'],
		['snug bench encoder --dim sequence=64', 'Runs a second of a model that does not generate'],
	],
	options: parser =>
		parser
			.positional('bundle', {type: 'string', demandOption: true, description: 'The folder that compile wrote'})
			.option('engine', {...choiceOption('--engine', 'Where it runs', ['chromium', 'node']), ...otherwise('chromium')})
			.option('browser', {...textOption('--browser', "Chromium's executable file"), ...otherwise('CHROME_PATH, else from the PATH')})
			.option('target', {...choiceOption('--target', 'Programs to measure', ['wasm']), ...otherwise('wasm')})
			.option('threads', {...countOption('--threads', 'Threads that compute'), ...otherwise("the loader's choice")})
			.option('simd', {...choiceOption('--simd', 'Instructions', ['auto', 'relaxed', 'plain']), ...otherwise('auto')})
			.option('budget', {...sizeOption('--budget', 'Bytes that the model may hold'), ...otherwise("the bundle's largest level")})
			.option('prompt-tokens', {...countOption('--prompt-tokens', 'Tokens of the prompt'), ...otherwise('128')})
			.option('decode-tokens', {...countOption('--decode-tokens', 'Tokens to write'), ...otherwise('32')})
			.option('dim', {
				type: 'string',
				array: true,
				requiresArg: true,
				description: 'NAME=N sets a free dimension of a model that does not generate; once for each',
				coerce: (value: readonly string[]) => pairs('--dim', value, readCount),
			})
			.option('loads', {...countOption('--loads', 'Cold loads, each with a fresh browser'), ...otherwise('3')})
			.option('repeats', {...countOption('--repeats', 'Rounds after each load'), ...otherwise('3')})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'})
			.group(['engine', 'browser', 'target', 'threads', 'simd', 'budget'], 'Where:')
			.group(['prompt-tokens', 'decode-tokens', 'dim', 'loads', 'repeats'], 'What:'),
	async run({bundle, engine, browser, threads, simd, budget, promptTokens, decodeTokens, dim, loads, repeats, json}, io) {
		const {bench} = await import('../bench/bench.js');
		const progress = createProgress(io.stderr);
		try {
			const result = await bench(bundle, {
				engine: engine ?? 'chromium',
				browser,
				threads,
				simd: simd ?? 'auto',
				budget,
				promptTokens: promptTokens ?? 128,
				decodeTokens: decodeTokens ?? 32,
				loads: loads ?? 3,
				repeats: repeats ?? 3,
				dims: Object.fromEntries(dim ?? []),
				signal: io.signal,
				onProgress: progress.update,
			});
			progress.end();
			if (json) {
				printJson(io, result);
			} else {
				io.stdout.write(`${format(result)}\n`);
			}
		} finally {
			progress.end();
		}
	},
});

function format(result: BenchResult): string {
	const {model, engine, threads, simd, spread, memory, bytesLoaded, peakMemory, blankMemory} = result;
	const between = (low: number, high: number, count: number): string => (count < 4 ? '' : `half of them ${fixed(low)} to ${fixed(high)}`);
	const milliseconds = ({median, low, high, count}: Spread): [string, string] => [`${fixed(median)} ms`, between(low, high, count)];
	const perSecond = ({median, low, high, count}: Spread, unit: string, factor: number): [string, string] => [
		`${fixed((1000 * factor) / median)} ${unit}/s`,
		between((1000 * factor) / high, (1000 * factor) / low, count),
	];
	const sizes = Object.entries(result.inputs ?? {})
		.map(([name, dims]) => `${name} [${dims.join(', ')}]`)
		.join(', ');
	const {loadMs, firstTokenMs, firstRunMs, prefillMs, decodeMs, runMs} = spread;
	const rows = [
		decodeMs && ['decode', ...perSecond(decodeMs, 'tokens', 1), `${decodeMs.count} rounds behind ${result.promptTokens} tokens`],
		prefillMs && ['prefill', ...perSecond(prefillMs, 'tokens', result.promptTokens!), `${result.promptTokens} tokens`],
		runMs && ['run', ...perSecond(runMs, 'runs', 1), sizes],
		loadMs && ['load, cold', ...milliseconds(loadMs), formatSize(bytesLoaded)],
		firstTokenMs && ['first token, cold', ...milliseconds(firstTokenMs), `load and ${result.promptTokens} tokens`],
		firstRunMs && ['first run, cold', ...milliseconds(firstRunMs), 'load and run'],
		['memory of the model', formatSize(memory)],
		peakMemory === null
			? ['peak of the process', 'unknown', 'this system does not say']
			: ['peak of the process', formatSize(peakMemory), blankMemory === null ? '' : `${formatSize(blankMemory)} before the load`],
	].filter(row => row !== undefined);
	return `${model}: ${engine}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${simd} SIMD\n${formatTable(rows.map(([name, ...cells]) => [`  ${name}`, ...cells]))}`;
}

const fixed = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
