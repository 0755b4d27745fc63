/**
 * The race of a small language model: Snug, onnxruntime-web and wllama in the same Chromium, one after another, in rounds:
 * `npm run bench:peers -- --peers DIR`. DIR holds node_modules with onnxruntime-web and @wllama/wllama, the model as genai-int4/model.onnx
 * (MatMulNBits, with external data) and smollm2-{Q8_0,Q4_1,Q4_0}.gguf. The machine's noise is alike for all within a round; only ratios
 * within one run count. The table is printed once without perplexities, which take minutes, and once with them; wllama hands out no logits.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {build} from 'esbuild';
import {findBrowser} from '../../compiler/bench/find-browser.js';
import {serveMounts} from '../../compiler/serve/server.js';
import {compile} from '../../compiler/compile.js';
import {load} from '../../runtime-wasm/loader/index.js';
import {findModel, findText} from '../helpers/models.js';
import {mounts, peerContenders, snugContenders, type Contender} from './race/contenders.js';
import {perplexityOfBundle, perplexityOfOnnx, readText} from './race/perplexity.js';
import {markdownOf, ratiosOf, rowOf, tableOf, type Row} from './race/report.js';
import {runOnce, type Course, type Run} from './race/run.js';

const positions = 1024;

const {values: options} = parseArgs({
	options: {
		peers: {type: 'string'},
		model: {type: 'string', default: findModel('smollm2-135m') ?? ''},
		text: {type: 'string', default: findText('wikitext2-test.txt') ?? ''},
		/** Parts of contenders' names, separated by commas. */
		jobs: {type: 'string', default: ''},
		bits: {type: 'string', default: '4,2'},
		threads: {type: 'string', default: '1,2'},
		rounds: {type: 'string', default: '3'},
		'prompt-tokens': {type: 'string', default: '128'},
		'decode-tokens': {type: 'string', default: '32'},
		/** Windows of 512 tokens; 0 for none. */
		windows: {type: 'string', default: '8'},
		/** A folder with snug-4, snug-2, … that were compiled before. */
		bundles: {type: 'string'},
		json: {type: 'string'},
		markdown: {type: 'string'},
	},
});

const numbers = (list: string): number[] => list.split(',').map(Number);
const say = (text: string): void => {
	process.stderr.write(`${text}\n`);
};

const work = mkdtempSync(path.join(tmpdir(), 'snug-race-'));
try {
	await main();
} finally {
	rmSync(work, {recursive: true, force: true});
}

async function main(): Promise<void> {
	if (options.text === '' || (options.model === '' && options.bundles === undefined)) {
		throw new Error('--model FILE.onnx (or --bundles DIR) and --text FILE are needed where SNUG_MODELS and the shared data are not there');
	}

	const bundles = new Map<number, string>();
	for (const bits of numbers(options.bits)) {
		bundles.set(bits, options.bundles === undefined ? await compileAt(bits) : path.join(options.bundles, `snug-${bits}`));
	}

	const threads = numbers(options.threads);
	const wanted = options.jobs.split(',');
	const contenders = [
		...[...bundles].flatMap(([bits, folder]) => snugContenders(bits, folder, threads)),
		...(options.peers === undefined ? [] : peerContenders(options.peers, threads, positions)),
	].filter(({name}) => wanted.some(part => name.includes(part)));
	const text = readText(options.text);
	const ids = await tokensOf([...bundles.values()][0]!, text);
	const runs = await race(contenders, bundles, await courses([...bundles.values()][0]!, ids));
	const rows = (perplexities: ReadonlyMap<string, number>): Row[] =>
		contenders.flatMap(contender => {
			const done = runs.get(contender)!;
			return done.length === 0 ? [] : [rowOf(contender, done, perplexities.get(contender.name) ?? null)];
		});
	print(rows(new Map()));
	if (options.windows !== '0') {
		print(rows(await scores(contenders, bundles, ids)));
	}
}

async function compileAt(bits: number): Promise<string> {
	say(`compile at ${bits} bits`);
	const output = path.join(work, `snug-${bits}`);
	await compile(options.model, {output, bits, maxSequence: positions, cachePrecision: 'int8'});
	return output;
}

async function tokensOf(bundle: string, text: string): Promise<number[]> {
	const model = await load(bundle);
	try {
		return await model.tokenize(text);
	} finally {
		model.release();
	}
}

/** Other windows of the text for every round and answer, so that nobody has seen a prompt before. */
async function courses(bundle: string, ids: readonly number[]): Promise<Course[]> {
	const [short, decodeTokens] = [Number(options['prompt-tokens']), Number(options['decode-tokens'])];
	const long = positions - decodeTokens - 32;
	const model = await load(bundle);
	let at = 0;
	const take = async (count: number) => {
		const window = ids.slice(at, at + count);
		at += count;
		return {ids: window, text: await model.detokenize(window)};
	};

	try {
		const list: Course[] = [];
		for (let round = 0; round < Number(options.rounds); round++) {
			list.push({prompts: [await take(short), await take(short), await take(short), await take(short)], deep: await take(long), decodeTokens});
		}

		return list;
	} finally {
		model.release();
	}
}

async function race(contenders: readonly Contender[], bundles: ReadonlyMap<number, string>, rounds: readonly Course[]): Promise<Map<Contender, Run[]>> {
	const site = path.join(work, 'site');
	await build({
		entryPoints: [path.join(import.meta.dirname, 'race/page.ts')],
		outfile: path.join(site, 'page.js'),
		bundle: true,
		format: 'esm',
		target: 'es2022',
	});
	writeFileSync(
		path.join(site, 'index.html'),
		'<!doctype html><meta charset="utf-8"><title>race</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
	);
	const folders = {
		'/': site,
		...(options.peers !== undefined && {[mounts.peers]: options.peers}),
		...Object.fromEntries([...bundles].map(([bits, folder]) => [mounts.bundle(bits), folder])),
	};
	// The peers' runtimes compile code and start workers of their own.
	const server = await serveMounts(folders, {policy: null});
	const runs = new Map(contenders.map(contender => [contender, [] as Run[]]));
	try {
		for (const [round, course] of rounds.entries()) {
			for (const contender of contenders) {
				const {name, threads} = contender;
				try {
					const run = await runOnce(findBrowser(), server.url, contender, course);
					runs.get(contender)!.push(run);
					const {decode, prefill} = rowOf(contender, [run], null);
					say(`round ${round + 1}: ${name}, ${threads}: prefill ${prefill.median.toFixed(0)}, decode ${decode.median.toFixed(1)} tokens/s`);
				} catch (error) {
					say(`round ${round + 1}: ${name}, ${threads}: ${(error as Error).message}`);
				}
			}
		}
	} finally {
		await server.close();
	}

	return runs;
}

/** By name: the program and the number of threads are taken to change nothing that matters. */
async function scores(contenders: readonly Contender[], bundles: ReadonlyMap<number, string>, ids: readonly number[]): Promise<Map<string, number>> {
	const found = new Map<string, number>();
	const windows = Number(options.windows);
	for (const {name, engine} of windows === 0 ? [] : contenders) {
		if (found.has(name) || engine.kind === 'wllama') {
			continue;
		}

		say(`perplexity: ${name}`);
		if (engine.kind === 'onnxruntime-web') {
			found.set(name, await perplexityOfOnnx(path.join(options.peers!, 'genai-int4'), ids, windows));
			continue;
		}

		const [bits, folder] = [...bundles].find(([each]) => mounts.bundle(each) === engine.folder)!;
		const perplexity = await perplexityOfBundle(folder, options.text, windows);
		for (const simd of ['plain', 'relaxed']) {
			found.set(`snug ${bits} bits ${simd}`, perplexity);
		}
	}

	return found;
}

function print(rows: readonly Row[]): void {
	console.log(`\n${tableOf(rows)}\n\n${ratiosOf(rows)}`);
	if (options.json !== undefined) {
		writeFileSync(options.json, `${JSON.stringify({text: path.basename(options.text), positions, rows}, undefined, '\t')}\n`);
	}

	if (options.markdown !== undefined) {
		writeFileSync(options.markdown, `${markdownOf(rows)}\n`);
	}
}
