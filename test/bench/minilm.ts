/**
 * A race of sentence embedders, all-MiniLM-L6-v2 in headless Chromium on one thread: Snug in f32, with 8 bits for all, and with what it
 * chooses for speed in the bytes of 8 bits, against ONNX Runtime Web.
 *
 *   SNUG_MODELS=FOLDER npm run bench -- minilm [--ort FOLDER] [--int8 MODEL.onnx …] [--runs N] [--rounds N]
 *
 * --ort names the `dist` of onnxruntime-web; --int8 a model by onnxruntime.quantization.quantize_dynamic. Rounds go through all, since
 * machines drift. Prints the median and the best run of 16 sentences of 32 tokens, ratios (the median over rounds, each of medians), how
 * much the page grew over a blank one, and how far the embeddings are from onnxruntime-node.
 */
import {cosine} from '../../compiler/numeric/dot.js';
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {buildSync} from 'esbuild';
import {compile} from '../../compiler/compile.js';
import {formatSize} from '../../compiler/size.js';
import {launchChromium} from '../browser/chromium.js';
import {settledMemory} from '../browser/memory.js';
import {findModel, missing} from '../helpers/models.js';
import {int64, openOracle} from '../helpers/ort-model.js';
import {serveFolder} from '../helpers/server.js';
import {meanOf, type BenchCalls, type Measured, type Task} from './minilm-page.js';

const NAME = 'all-minilm-l6-v2';
const [BATCH, LENGTH, LAYERS, WIDTH, INNER] = [16, 32, 6, 384, 1536] as const;

/** Floating-point operations of a run: products with weights, then queries with keys and scores with values. */
const OPERATIONS = BATCH * LENGTH * LAYERS * (2 * WIDTH * (4 * WIDTH + 2 * INNER) + 4 * LENGTH * WIDTH);

const {values: given} = parseArgs({
	options: {
		ort: {type: 'string'},
		int8: {type: 'string', multiple: true, default: []},
		runs: {type: 'string', default: '8'},
		rounds: {type: 'string', default: '6'},
	},
});

type Runner = {readonly name: string; readonly engine: keyof BenchCalls; readonly task: Pick<Task, 'folder' | 'model' | 'data'>};

type Result = {
	readonly name: string;
	readonly load: number;
	readonly median: number;
	readonly rounds: readonly number[];
	readonly best: number;
	readonly peak: number;
	readonly cosine: number;
};

/** In order: the last takes as many bytes as the one before it. Codes below 8 bits multiply faster where relaxed SIMD is. */
const own = [
	{name: 'Snug f32', folder: 'float', options: {bits: 32}},
	{name: 'Snug 8 bits', folder: 'bits8', options: {bits: 8}},
	{name: 'Snug 8 bits, for speed', folder: 'speed', options: {prefer: 'speed', calibration: 'sample'}},
] as const;

/** [CLS], words, [SEP]; the words differ from sentence to sentence. */
const ids = Array.from({length: BATCH * LENGTH}, (_, index) => {
	const at = index % LENGTH;
	return at === 0 ? 101 : at === LENGTH - 1 ? 102 : 1996 + ((index * 7919) % 20_000);
});

/** Between the embeddings of each sentence. */
function meanCosine(a: readonly number[], b: readonly number[]): number {
	let sum = 0;
	for (let first = 0; first < a.length; first += WIDTH) {
		sum += cosine(a.slice(first, first + WIDTH), b.slice(first, first + WIDTH));
	}

	return (sum * WIDTH) / a.length;
}

/** Runs in a browser of its own, whose memory is watched. */
async function measure({name, engine, task}: Runner, url: string): Promise<Measured & {readonly name: string; readonly peak: number}> {
	const browser = await launchChromium();
	if (!browser) {
		throw new Error('Chromium is not on this machine');
	}

	let peak = 0;
	let blank = 0;
	const look = async (): Promise<void> => {
		peak = Math.max(peak, (await browser.resident()) - blank);
	};

	try {
		const page = await browser.newPage();
		await page.open(url);
		blank = await settledMemory(browser);
		const timer = setInterval(() => void look(), 50);
		const call = page.call as unknown as (engine: string, task: Task) => Promise<Measured>;
		const full = {...task, batch: BATCH, length: LENGTH, ids, warm: 4, runs: Number(given.runs)};
		const measured = await call(engine, full).finally(() => clearInterval(timer));
		return {name, peak, ...measured};
	} finally {
		await browser.close();
	}
}

const medianOf = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

/** The measurements of one runner in all rounds, the median over all its runs. */
function summarise(measured: ReadonlyArray<Measured & {readonly name: string; readonly peak: number}>, reference: readonly number[]): Result {
	const times = measured.flatMap(({times}) => times);
	return {
		name: measured[0]!.name,
		load: Math.min(...measured.map(({load}) => load)),
		median: medianOf(times),
		rounds: measured.map(({times}) => medianOf(times)),
		best: Math.min(...times),
		peak: Math.max(...measured.map(({peak}) => peak)),
		cosine: meanCosine(measured[0]!.embeddings, reference),
	};
}

function print(results: readonly Result[]): void {
	for (const {name, load, median, best, peak, cosine} of results) {
		const rate = (milliseconds: number): string => (OPERATIONS / milliseconds / 1e6).toFixed(1);
		console.log(
			`${name.padEnd(32)} ${((BATCH / median) * 1000).toFixed(1).padStart(6)} sentences/s  ${rate(median).padStart(6)} GFLOP/s (best ${rate(best)})` +
				`  load ${load.toFixed(0).padStart(5)} ms  grew ${(peak / 1e6).toFixed(0).padStart(4)} MB  cosine ${cosine.toFixed(6)}`,
		);
	}

	for (const ours of results.filter(({name}) => name.startsWith('Snug'))) {
		for (const other of results.filter(({name}) => !name.startsWith('Snug'))) {
			const ratio = medianOf(ours.rounds.map((time, round) => other.rounds[round]! / time));
			console.log(`${ours.name} : ${other.name} = ${ratio.toFixed(2)} (best runs ${(other.best / ours.best).toFixed(2)})`);
		}
	}
}

const source = findModel(NAME);
if (source === undefined) {
	throw new Error(missing(NAME));
}

const folder = mkdtempSync(path.join(tmpdir(), 'snug-minilm-'));
try {
	const runners: Runner[] = [];
	let last = Infinity;
	for (const {name, folder: place, options} of own) {
		const budget = 'prefer' in options ? {budget: last} : {};
		const {bytes, bitsPerWeight} = await compile(source, {
			output: path.join(folder, place),
			maxSequence: 128,
			dims: {batch: {min: 1, max: BATCH}},
			...options,
			...budget,
		});
		last = bytes.total;
		console.log(`${name}: ${formatSize(bytes.total)}, ${bitsPerWeight.toFixed(2)} bits a weight`);
		runners.push({name, engine: 'snug', task: {folder: `./${place}/`}});
	}

	if (given.ort !== undefined) {
		symlinkSync(path.resolve(given.ort), path.join(folder, 'ort'));
		symlinkSync(path.dirname(path.resolve(source)), path.join(folder, 'model'));
		mkdirSync(path.join(folder, 'int8'));
		const data = ['model.onnx_data', 'model/model.onnx_data'] as const;
		runners.push({name: 'ONNX Runtime Web f32', engine: 'ort', task: {folder: './ort/', model: 'model/model.onnx', data}});
		for (const [index, model] of given.int8.entries()) {
			symlinkSync(path.resolve(model), path.join(folder, 'int8', `${index}.onnx`));
			runners.push({name: `ONNX Runtime Web ${path.basename(model, '.onnx')}`, engine: 'ort', task: {folder: './ort/', model: `int8/${index}.onnx`}});
		}
	}

	buildSync({entryPoints: [new URL('minilm-page.ts', import.meta.url).pathname], outfile: path.join(folder, 'page.js'), format: 'esm', logLevel: 'error'});
	writeFileSync(path.join(folder, 'page.html'), '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>');
	await using oracle = await openOracle(source);
	const dims = [BATCH, LENGTH];
	const feeds = {
		input_ids: int64(ids, dims),
		attention_mask: int64(
			ids.map(() => 1),
			dims,
		),
		token_type_ids: int64(
			ids.map(() => 0),
			dims,
		),
	};
	const reference = meanOf(Object.values(await oracle.run(feeds))[0]!.data as Float32Array, {batch: BATCH, length: LENGTH});
	const server = await serveFolder(folder);
	try {
		const measured = new Map<string, Array<Measured & {readonly name: string; readonly peak: number}>>();
		for (let round = 0; round < Number(given.rounds); round++) {
			for (const runner of runners) {
				const found = await measure(runner, new URL('page.html', server.url).href);
				measured.set(runner.name, [...(measured.get(runner.name) ?? []), found]);
			}
		}

		print([...measured.values()].map(list => summarise(list, reference)));
	} finally {
		await server.close();
	}
} finally {
	rmSync(folder, {recursive: true});
}
