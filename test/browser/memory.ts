/** How much a page's process grows over a blank page, watched while something runs. */
import type {ExecutionContext} from 'ava';
import type {Page} from './browser.js';
import type {Chromium} from './chromium.js';
import {prompt} from './node.js';

/** Milliseconds between two looks. */
const PERIOD = 20;

/** Loads and generates in a page that was blank; fails when the process grew by more than the model needs. Gives `info.memory`. */
export async function checkGrowth(t: ExecutionContext, browser: Chromium, page: Page, url: string): Promise<number> {
	await page.open(url);
	const blank = await settledMemory(browser);
	const loading = await watchGrowth(browser, blank, async () => page.call('open', {}));
	const speaking = await watchGrowth(browser, blank, async () => page.call('speak', {prompt, tokens: 32}));
	const {memory} = loading.value;
	t.log(`model ${megabytes(memory)}; the page grew over its blank ${megabytes(blank)} by at most`);
	t.log(`${megabytes(loading.peak)} while it loaded, ${megabytes(speaking.peak)} while it generated`);
	// What is left beyond the model is the collector's: on a busy machine it comes late. A second copy of the weights would not fit.
	t.true(Math.max(loading.peak, speaking.peak) <= 1.3 * memory + 80e6);
	return memory;
}

type Watched<T> = {readonly value: T; readonly peak: number};

/** The most that was seen while `work` ran, over `blank`. */
async function watchGrowth<T>(browser: Chromium, blank: number, work: () => Promise<T>): Promise<Watched<T>> {
	let peak = 0;
	const state = {ended: false};
	const look = (async () => {
		while (!state.ended) {
			peak = Math.max(peak, (await browser.resident()) - blank);
			await sleep(PERIOD);
		}
	})();
	try {
		return {value: await work(), peak: Math.max(peak, (await browser.resident()) - blank)};
	} finally {
		state.ended = true;
		await look;
	}
}

/** The figure once it has not moved by more than 1 MB for half a second: a page that was just opened still settles. */
export async function settledMemory(browser: Chromium): Promise<number> {
	let last = await browser.resident();
	for (let calm = 0; calm < 5;) {
		await sleep(100);
		const now = await browser.resident();
		calm = Math.abs(now - last) < 1e6 ? calm + 1 : 0;
		last = now;
	}

	return last;
}

/** Milliseconds until no more than `bytes` are resident; Infinity when that takes longer than `limit`. */
export async function timeUntilBelow(browser: Chromium, bytes: number, limit: number): Promise<number> {
	const started = performance.now();
	while (performance.now() - started < limit) {
		if ((await browser.resident()) <= bytes) {
			return performance.now() - started;
		}

		await sleep(PERIOD);
	}

	return Infinity;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const sleep = async (milliseconds: number): Promise<void> =>
	new Promise(resolve => {
		setTimeout(resolve, milliseconds);
	});
