/** Chromium runs SmolLM2 without loss, half a gigabyte of it: both programs say the 64 tokens that Node says. */
import anyTest from 'ava';
import {launchChromium} from '../browser/chromium.js';
import {prompt, speakInNode} from '../browser/node.js';
import {pageOf} from '../browser/site.js';
import {prepare} from '../browser/stage.js';

const test = prepare(anyTest, {
	browser: 'Chromium',
	launch: launchChromium,
	model: 'smollm2-135m',
	bundles: {dense: {codecs: ['dense']}},
});

test('SmolLM2 in f32: both programs say what Node says', async (t, {browser, folder, serve}) => {
	const expected = await speakInNode(folder('dense'), 64);
	t.is(expected.tokens.length, 64);
	const server = await serve('dense');
	for (const simd of ['plain', 'relaxed'] as const) {
		const page = await browser.newPage();
		await page.open(pageOf(server));
		const started = performance.now();
		t.is((await page.call('open', {simd})).simd, simd);
		t.log(`${simd}: loaded in ${((performance.now() - started) / 1000).toFixed(1)} s`);
		t.like(await page.call('speak', {prompt, tokens: 64}), expected, simd);
		await page.call('release');
		await page.close();
	}

	t.log(expected.text);
});
