/** Firefox runs the bundles of a small model: both programs, what Node says it says too. */
import anyTest from 'ava';
import {launchFirefox} from './firefox.js';
import {prompt, speakInNode} from './node.js';
import {isolation, pageOf} from './site.js';
import {prepare} from './stage.js';

const test = prepare(anyTest, {
	browser: 'Firefox',
	launch: launchFirefox,
	model: 'books-3m',
	bundles: {bits: {codecs: ['scalar'], bits: 4}, scalar: {codecs: ['scalar'], bits: 6}, dense: {codecs: ['dense']}},
});

test('the plain program of 4 bits says what Node says, in an isolated page and on several threads', async (t, {browser, folder, serve}) => {
	const expected = await speakInNode(folder('bits'), 64);
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits', isolation)));
	t.like(await page.call('where'), {isolated: true, secure: true});
	for (const threads of [1, 2, 3]) {
		t.like(await page.call('open', {simd: 'plain', threads}), {simd: 'plain', threads});
		t.like(await page.call('speak', {prompt, tokens: 64}), expected);
		await page.call('release');
	}

	await page.close();
});

test('thirty loads in a row come to an end, on three threads each', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits', isolation)));
	for (let load = 0; load < 30; load++) {
		t.is((await page.call('open', {threads: 3})).threads, 3);
		await page.call('release');
	}

	await page.close();
});

for (const [bundle, title] of [
	['scalar', 'integers of 6 bits'],
	['dense', 'f32'],
] as const) {
	test(`the relaxed program is taken by itself, and its tokens are those of Node: ${title}`, async (t, {browser, folder, serve}) => {
		const expected = await speakInNode(folder(bundle), 64);
		const page = await browser.newPage();
		await page.open(pageOf(await serve(bundle)));
		t.is((await page.call('open', {})).simd, 'relaxed');
		t.like(await page.call('speak', {prompt, tokens: 64}), expected);
		await page.close();
	});
}
