/** Chromium runs the bundles of a small model: what Node says it says too, with both programs, isolated or not. */
import anyTest from 'ava';
import {launchChromium} from './chromium.js';
import {checkGrowth} from './memory.js';
import {prompt, speakInNode} from './node.js';
import {isolation, pageOf} from './site.js';
import {prepare} from './stage.js';

const test = prepare(anyTest, {
	browser: 'Chromium',
	launch: launchChromium,
	model: 'books-3m',
	bundles: {bits: {bits: 4}, dense: {codecs: ['dense']}},
});

for (const bundle of ['bits', 'dense'] as const) {
	for (const isolated of [false, true]) {
		const where = `${bundle === 'bits' ? '4 bits' : 'f32'}, ${isolated ? 'with' : 'without'} cross-origin isolation`;
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

test('the relaxed program of 4 bits says a text, the same each time', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits')));
	t.is((await page.call('open', {simd: 'relaxed'})).simd, 'relaxed');
	const first = await page.call('speak', {prompt, tokens: 32});
	t.regex(first.text, /\p{L}{2,} \p{L}{2,}/u);
	t.deepEqual(await page.call('speak', {prompt, tokens: 32}), first);
	t.log(first.text);
	await page.close();
});

test('the page grows by little more than the model', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	t.true((await checkGrowth(t, browser, page, pageOf(await serve('bits')))) > 1e6);
	await page.close();
});
