/**
 * Every kernel that reads weights or makes their input, one thread, plain and relaxed, in headless Chromium:
 * `npm run bench -- kernels [filter] [--engine node] [--json]`. Weights are 1024 × 2048, in copies of 67 MB together; tiles, forms and rows have 64
 * tokens. GB/s are of the faster variant, as a share of what one thread reads from memory at most, measured in the same run. In Node
 * only the plain variant can be measured.
 */
import {copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {build} from 'esbuild';
import {launchChromium} from '../../compiler/bench/chromium.js';
import {findBrowser} from '../../compiler/bench/find-browser.js';
import {kernelFile} from '../../compiler/built-files.js';
import {serveMounts} from '../../compiler/serve/server.js';
import {caseGroups, type KernelCase} from './kernels/case.js';
import {instantiate, readBandwidth, timeCase} from './kernels/measure.js';
import {readerModule} from './kernels/reader.js';

const {values: options, positionals} = parseArgs({
	allowPositionals: true,
	options: {engine: {type: 'string', default: 'chromium'}, json: {type: 'boolean', default: false}},
});

type Times = {readonly plain: number; readonly relaxed?: number};

type Bench = {
	/** Bytes a second. */
	bandwidth(): Promise<number>;
	/** Microseconds. */
	time(given: KernelCase, parts: readonly Uint8Array[]): Promise<Times>;
	close(): Promise<void>;
};

function nodeBench(): Bench {
	const wasm = readFileSync(kernelFile('plain.wasm'));
	return {
		bandwidth: async () => readBandwidth(readerModule()),
		time: async (given, parts) => ({plain: timeCase(instantiate(wasm), given, parts)}),
		close: async () => undefined,
	};
}

async function chromiumBench(): Promise<Bench> {
	const site = mkdtempSync(path.join(tmpdir(), 'snug-kernels-'));
	await build({
		entryPoints: [path.join(import.meta.dirname, 'kernels/page.ts')],
		outfile: path.join(site, 'page.js'),
		bundle: true,
		format: 'esm',
		target: 'es2022',
	});
	writeFileSync(path.join(site, 'index.html'), '<!doctype html><meta charset="utf-8"><title>kernels</title><script type="module" src="page.js"></script>');
	writeFileSync(path.join(site, 'reader.wasm'), readerModule());
	for (const name of ['plain.wasm', 'relaxed.wasm']) {
		copyFileSync(kernelFile(name), path.join(site, name));
	}

	const server = await serveMounts({'/': site});
	const chromium = await launchChromium(findBrowser());
	const page = await chromium.openPage(server.url);
	return {
		bandwidth: async () => (await page.evaluate('kernelBench.bandwidth()')) as number,
		async time(given, parts) {
			for (const [index, part] of parts.entries()) {
				writeFileSync(path.join(site, `part-${index}.bin`), part);
			}

			const names = parts.map((_, index) => `part-${index}.bin`);
			return (await page.evaluate(`kernelBench.time(${JSON.stringify(given)}, ${JSON.stringify(names)})`)) as Times;
		},
		async close() {
			await chromium.close();
			await server.close();
			rmSync(site, {recursive: true, force: true});
		},
	};
}

const bench = options.engine === 'node' ? nodeBench() : await chromiumBench();
const results: object[] = [];
const say = (...cells: readonly string[]): void => {
	const widths = [26, 24, 10, 10, 8, 10, 8, 8, 8];
	console.log(cells.map((cell, index) => (index < 2 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join(' '));
};

try {
	let bandwidth = await bench.bandwidth();
	if (!options.json) {
		console.log(`one thread reads ${(bandwidth / 1e9).toFixed(1)} GB/s from memory\n`);
		say('kernel', 'code', 'plain µs', 'relaxed µs', 'faster', 'kB read', 'GB/s', 'share', 'Gmac/s');
	}

	for (const {cases, parts} of caseGroups(positionals[0] ?? '')) {
		// The machine may be busier for a while: the most that was seen is what it can do.
		bandwidth = Math.max(bandwidth, await bench.bandwidth());
		for (const given of cases) {
			const {plain, relaxed} = await bench.time(given, parts);
			const best = Math.min(plain, relaxed ?? Infinity);
			const perSecond = given.bytesRead / (best / 1e6);
			results.push({
				kernel: given.kernel,
				code: given.code,
				plain,
				relaxed,
				bytesRead: given.bytesRead,
				bytesPerSecond: perSecond,
				share: perSecond / bandwidth,
			});
			if (!options.json) {
				say(
					given.kernel,
					given.code,
					plain.toFixed(1),
					relaxed?.toFixed(1) ?? '–',
					relaxed === undefined ? '–' : (plain / relaxed).toFixed(2),
					(given.bytesRead / 1e3).toFixed(0),
					(perSecond / 1e9).toFixed(2),
					`${((100 * perSecond) / bandwidth).toFixed(0)} %`,
					given.products === 0 ? '–' : (given.products / best / 1e3).toFixed(1),
				);
			}
		}
	}

	if (options.json) {
		console.log(JSON.stringify({bandwidth, results}, undefined, '\t'));
	} else {
		console.log(`\none thread read at most ${(bandwidth / 1e9).toFixed(1)} GB/s in the whole run`);
	}
} finally {
	await bench.close();
}
