/** WebKitGTK, which has no relaxed SIMD and no shared memory, runs the plain program: what Node says it says too. */
import anyTest from 'ava';
import {prompt, speakInNode} from './node.js';
import {pageOf} from './site.js';
import {prepare} from './stage.js';
import {launchWebKit} from './webkit.js';

const test = prepare(anyTest, {
	browser: 'WebKitGTK',
	launch: launchWebKit,
	model: 'books-3m',
	bundles: {bits: {codecs: ['scalar'], bits: 4}, dense: {codecs: ['dense']}},
});

for (const [bundle, title] of [
	['bits', '4 bits'],
	['dense', 'f32'],
] as const) {
	test(`the plain program is taken by itself and says what Node says: ${title}`, async (t, {browser, folder, serve}) => {
		const expected = await speakInNode(folder(bundle), 64);
		const page = await browser.newPage();
		await page.open(pageOf(await serve(bundle)));
		t.like(await page.call('open', {threads: 2}), {simd: 'plain', threads: 1});
		t.like(await page.call('speak', {prompt, tokens: 64}), expected);
		await page.call('release');
	});
}

test('asking for the relaxed program is an error that names the way out', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits')));
	const refusal = await page.call('attempt', {simd: 'relaxed'});
	t.is(refusal?.code, 'no-relaxed-simd');
	t.regex(refusal!.message, /use 'auto' or 'plain'/);
});
