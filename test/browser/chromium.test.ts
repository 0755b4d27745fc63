/** Chromium runs the bundles of a small model: what Node says it says too, with both programs, isolated or not. */
import {readdirSync} from 'node:fs';
import anyTest from 'ava';
import type {Simd} from '../../runtime-wasm/loader/types.js';
import {launchChromium} from './chromium.js';
import {checkGrowth} from './memory.js';
import {prompt, speakInNode} from './node.js';
import type {Speech} from './page.js';
import {isolation, pageOf} from './site.js';
import {prepare} from './stage.js';

const test = prepare(anyTest, {
	browser: 'Chromium',
	launch: launchChromium,
	model: 'books-3m',
	bundles: {bits: {bits: 4}, scalar: {codecs: ['scalar'], bits: 6}, dense: {codecs: ['dense']}},
});

const titles = {bits: '4 bits', scalar: 'integers of 6 bits', dense: 'f32'} as const;

for (const bundle of ['bits', 'dense'] as const) {
	for (const isolated of [false, true]) {
		const where = `${titles[bundle]}, ${isolated ? 'with' : 'without'} cross-origin isolation`;
		test(`the plain program says what Node says: ${where}`, async (t, {browser, folder, serve}) => {
			const expected = await speakInNode(folder(bundle), 64);
			const page = await browser.newPage();
			await page.open(pageOf(await serve(bundle, isolated ? isolation : {})));
			t.like(await page.call('where'), {isolated, secure: true, webCrypto: true});
			await page.call('open', {simd: 'plain'});
			const {info, text, pieces, tokens} = await page.call('speak', {prompt, tokens: 64});
			t.is(info.simd, 'plain');
			t.is(text, expected.text);
			t.true(pieces > 10, `${pieces} pieces`);
			t.deepEqual(tokens, expected.tokens);
			t.is(tokens.length, 64);
			await page.close();
		});
	}
}

test('the relaxed program is taken by itself, and in f32 its tokens are those of Node', async (t, {browser, folder, serve}) => {
	const expected = await speakInNode(folder('dense'), 64);
	const page = await browser.newPage();
	await page.open(pageOf(await serve('dense')));
	t.is((await page.call('open', {})).simd, 'relaxed');
	const {text, tokens} = await page.call('speak', {prompt, tokens: 64});
	t.is(tokens.length, 64);
	t.deepEqual(tokens, expected.tokens);
	t.is(text, expected.text);
	await page.close();
});

for (const simd of ['plain', 'relaxed'] as const) {
	test(`an isolated page computes on several threads and says the same on each number of them: ${simd}`, async (t, {browser, serve}) => {
		const page = await browser.newPage();
		await page.open(pageOf(await serve('bits', isolation)));
		const speeches: Speech[] = [];
		for (const threads of [1, 2, 3, 4]) {
			t.like(await page.call('open', {simd, threads}), {simd, threads});
			speeches.push(await page.call('speak', {prompt, tokens: 64}));
			await page.call('release');
		}

		for (const {text, tokens} of speeches) {
			t.is(text, speeches[0]!.text);
			t.deepEqual(tokens, speeches[0]!.tokens);
		}

		await page.close();
	});
}

test('a page that is not isolated computes on one thread, whatever it asks for', async (t, {browser, folder, serve}) => {
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits')));
	t.is((await page.call('open', {simd: 'plain', threads: 2})).threads, 1);
	t.like(await page.call('speak', {prompt, tokens: 64}), await speakInNode(folder('bits'), 64));
	await page.close();
});

for (const bundle of ['bits', 'scalar', 'dense'] as const) {
	test(`both programs, which differ, give the same logits but for rounding: ${titles[bundle]}`, async (t, {browser, folder, serve}) => {
		const programs = readdirSync(folder(bundle)).filter(file => file.endsWith('.wasm'));
		t.is(new Set(programs.map(file => file.replace(/^[a-z]+/, ''))).size, 2, programs.join());
		const page = await browser.newPage();
		await page.open(pageOf(await serve(bundle)));
		const tokens = [12, 292, 318, 348, 289, 259, 1800, 279];
		const rows = async (simd: Simd): Promise<number[]> => {
			await page.call('open', {simd});
			// A prefill, then steps of one token: other kernels do them.
			const scored = await page.call('score', {tokens, steps: [5, 1, 1, 1]});
			await page.call('release');
			return scored.flat();
		};

		const [plain, relaxed] = [await rows('plain'), await rows('relaxed')];
		t.is(plain.length, 4 * 2048);
		const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);
		const difference = Math.sqrt(squares(relaxed.map((value, index) => value - plain[index]!)) / squares(plain));
		t.true(difference < 1e-3, String(difference));
		t.log(`relative difference ${difference.toExponential(1)}`);
		await page.close();
	});
}

test('a bundle that is loaded again says the same', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits')));
	const speak = async (): Promise<Speech> => {
		await page.call('open', {simd: 'relaxed'});
		const speech = await page.call('speak', {prompt, tokens: 32});
		await page.call('release');
		return speech;
	};

	const first = await speak();
	t.regex(first.text, /\p{L}{2,} \p{L}{2,}/u);
	t.deepEqual(await speak(), first);
	await page.close();
});

test('the page grows by little more than the model', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	t.true((await checkGrowth(t, browser, page, pageOf(await serve('bits')))) > 1e6);
	await page.close();
});
