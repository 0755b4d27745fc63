/** `snug bench`, in Node and in Chromium: figures that can be checked against each other, and its refusals. */
import {copyFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {findBrowser} from '../compiler/bench/find-browser.js';
import {median, spreadOf} from '../compiler/bench/statistics.js';
import type {BenchResult} from '../compiler/bench/bench.js';
import {loaderFile} from '../compiler/built-files.js';
import {findFile} from './browser/browser.js';
import {snug} from './helpers/command-line.js';
import {temporaryFolder} from './helpers/temporary.js';
import {adder, chatter, trapToken, writeBundle, type Draft} from './helpers/tiny-bundle.js';

/** With fewer tokens than the one that traps; a call takes some tenths of a millisecond. */
const talkative = (): Draft => chatter({vocabulary: trapToken - 1, delay: 100_000});

const browser = findFile('/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome');

test('medians and quartiles', t => {
	t.deepEqual(spreadOf([4, 1, 3, 2, 5]), {median: 3, low: 2, high: 4, count: 5});
	t.is(median([1, 2]), 1.5);
	t.is(median([7]), 7);
	t.throws(() => median([]), {instanceOf: RangeError});
});

function checkGeneration(result: BenchResult): boolean {
	const {decodeTokensPerSecond, prefillTokensPerSecond, loadMs, firstTokenMs, spread} = result;
	const {decodeMs, prefillMs} = spread;
	return (
		Math.abs(decodeTokensPerSecond! - 1000 / decodeMs!.median) < 1e-6 &&
		Math.abs(prefillTokensPerSecond! - 8000 / prefillMs!.median) < 1e-6 &&
		loadMs > 0 &&
		firstTokenMs! > loadMs &&
		decodeMs!.low <= decodeMs!.median &&
		decodeMs!.median <= decodeMs!.high
	);
}

test.serial('bench measures a language model in Node', async t => {
	const bundle = writeBundle(temporaryFolder(t), talkative());
	const argumentList = ['bench', bundle, '--engine', 'node', '--prompt-tokens', '8', '--decode-tokens', '5', '--loads', '2', '--repeats', '3'];
	const {status, stdout, stderr} = await snug([...argumentList, '--json']);
	t.is(stderr, '');
	t.is(status, 0);
	const result = JSON.parse(stdout) as BenchResult;
	t.like(result, {model: 'chatter', target: 'wasm', threads: 1, simd: 'plain', promptTokens: 8, decodeTokens: 5});
	// Two loads, three rounds.
	t.like(result.spread, {decodeMs: {count: 6}, prefillMs: {count: 6}, loadMs: {count: 2}});
	t.true(checkGeneration(result), stdout);
	t.true(result.memory > 65_536 && result.bytesLoaded > 0);
	const text = await snug(argumentList);
	t.regex(text.stdout, /^chatter: Node [\d.]+, 1 thread, plain SIMD\n {2}decode +[\d.]+ tokens\/s/);
});

test.serial('bench measures runs of a model that does not generate', async t => {
	const bundle = writeBundle(temporaryFolder(t), adder());
	const {status, stdout} = await snug(['bench', bundle, '--engine', 'node', '--dim', 'n=3', '--loads', '1', '--json']);
	t.is(status, 0);
	const result = JSON.parse(stdout) as BenchResult;
	t.deepEqual(result.inputs, {x: [3, 4]});
	t.is(result.runsPerSecond, 1000 / result.spread['runMs']!.median);
	t.true(result.firstRunMs! > result.loadMs);
	t.false('decodeTokensPerSecond' in result);
});

const measured = browser === undefined ? test.serial.skip : test.serial;

measured('bench measures in Chromium: the relaxed program, and the memory of the page', async t => {
	const folder = writeBundle(temporaryFolder(t), talkative());
	copyFileSync(loaderFile('snug.js'), path.join(folder, 'snug.js'));
	const argumentList = ['bench', folder, '--browser', browser!, '--prompt-tokens', '8', '--decode-tokens', '5', '--loads', '1', '--json'];
	const {status, stdout, stderr} = await snug(argumentList);
	t.is(stderr, '');
	t.is(status, 0);
	const result = JSON.parse(stdout) as BenchResult;
	t.regex(result.engine, /Chrom/);
	t.is(result.simd, 'relaxed');
	t.true(checkGeneration(result), stdout);
	if (process.platform === 'linux') {
		t.true(result.blankMemory! > 1e7 && result.peakMemory! >= result.blankMemory!);
	}
});

measured('an error in the page comes back as the error that it is', async t => {
	const draft = talkative();
	const folder = writeBundle(temporaryFolder(t), draft);
	copyFileSync(loaderFile('snug.js'), path.join(folder, 'snug.js'));
	const {status, stderr} = await snug(['bench', folder, '--browser', browser!, '--budget', '1kB', '--prompt-tokens', '8', '--decode-tokens', '5']);
	t.is(status, 1);
	t.regex(stderr, /^snug: model 'chatter': does not fit the budget: expected at least [^\n]+\n$/);
});

test('bench refuses what the bundle cannot do', async t => {
	const [chat, sum] = [writeBundle(temporaryFolder(t), talkative()), writeBundle(temporaryFolder(t), adder())];
	for (const [argumentList, message] of [
		[[chat, '--prompt-tokens', '60'], /expected at most 64 tokens in all, found 60 \+ 32/],
		[[chat, '--dim', 'n=3'], /--dim n: goes with models that do not generate/],
		[[sum, '--dim', 'm=3'], /--dim m: model 'adder' has no such dimension: expected n/],
		[[sum, '--dim', 'n=9'], /--dim n: the bundle was not compiled for it: expected 1 to 8, found 9/],
		[[sum, '--browser', path.join(sum, 'manifest.json')], /--browser: is no program that can be run/],
		[[sum, '--engine', 'node', '--threads', '99'], /--threads/],
	] as const) {
		const {status, stdout, stderr} = await snug(['bench', ...argumentList]);
		t.is(status, 1, stderr);
		t.is(stdout, '');
		t.regex(stderr, message);
	}
});

test('a browser is looked for where the environment says, else on the PATH', t => {
	const folder = temporaryFolder(t);
	copyFileSync(process.execPath, path.join(folder, 'chromium'));
	t.is(findBrowser(undefined, {PATH: folder}), path.join(folder, 'chromium'));
	t.is(findBrowser(undefined, {PATH: '', CHROME_PATH: path.join(folder, 'chromium')}), path.join(folder, 'chromium'));
	t.throws(() => findBrowser(undefined, {PATH: folder, CHROME_PATH: path.join(folder, 'none')}), {message: /CHROME_PATH: is no program/});
	if (process.platform === 'linux') {
		t.throws(() => findBrowser(undefined, {PATH: ''}), {message: /no Chromium was found: expected one of chromium, .*--browser FILE/});
	}
});
