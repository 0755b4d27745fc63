/** Chromium runs a language model of 135 million weights in 4 bits: the text, the memory of the page, and what release gives back. */
import anyTest from 'ava';
import {launchChromium} from './chromium.js';
import {checkGrowth, megabytes, settledMemory, timeUntilBelow} from './memory.js';
import {prompt, speakInNode} from './node.js';
import {isolation, pageOf} from './site.js';
import {prepare} from './stage.js';

const test = prepare(anyTest, {
	browser: 'Chromium',
	launch: launchChromium,
	model: 'smollm2-135m',
	// Pages of the state that nothing has written are not in memory: a small state leaves little of what the model holds to them.
	bundles: {bits: {codecs: ['scalar'], bits: 4, cachePrecision: 'int8'}},
});

for (const isolated of [false, true]) {
	test(`the plain program says what Node says, ${isolated ? 'with' : 'without'} cross-origin isolation`, async (t, {browser, folder, serve}) => {
		const expected = await speakInNode(folder('bits'), 32);
		const page = await browser.newPage();
		await page.open(pageOf(await serve('bits', isolated ? isolation : {})));
		t.like(await page.call('where'), {isolated});
		t.is((await page.call('open', {simd: 'plain'})).simd, 'plain');
		t.like(await page.call('speak', {prompt, tokens: 32}), expected);
		t.log(expected.text);
		await page.close();
	});
}

test('the relaxed program is taken by itself and says a text', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	await page.open(pageOf(await serve('bits')));
	t.is((await page.call('open', {})).simd, 'relaxed');
	const {text} = await page.call('speak', {prompt, tokens: 32});
	t.regex(text, /(\p{L}{2,} ){5}/u);
	t.log(text);
	await page.close();
});

test('the page grows by little more than the model, and release gives it back', async (t, {browser, serve}) => {
	const page = await browser.newPage();
	const memory = await checkGrowth(t, browser, page, pageOf(await serve('bits')));
	const held = await browser.resident();
	t.is(await browser.workers(), 1);
	await page.call('release');
	const limit = held - 0.8 * memory;
	const taken = await timeUntilBelow(browser, limit, 2000);
	t.true(taken < 2000, `${megabytes(held - (await settledMemory(browser)))} of ${megabytes(memory)} came back`);
	t.is(await browser.workers(), 0);
	t.log(`release: 80 % of ${megabytes(memory)} came back in ${taken.toFixed(0)} ms`);
	await page.close();
});
