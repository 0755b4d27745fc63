/** Headless Chromium by playwright-core, and the memory of the processes that hold its pages. */
import {readFileSync} from 'node:fs';
import {chromium, type Browser as PlaywrightBrowser, type Page as PlaywrightPage} from 'playwright-core';
import {expressionOf, findFile, type Browser, type Page} from './browser.js';

const flags = [
	'--no-sandbox',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	// A name that is this machine and yet no secure context.
	'--host-resolver-rules=MAP snug.test 127.0.0.1',
	// Renderers kept for later pages would count as memory of this one.
	'--disable-features=SpareRendererForSitePerProcess,HttpsUpgrades',
];

export type ChromiumPage = Page & {
	/** Workers that live. */
	workers(): number;
};

export type Chromium = Omit<Browser, 'newPage'> & {
	newPage(): Promise<ChromiumPage>;
	/** Bytes in memory of all processes of pages. */
	resident(): Promise<number>;
};

/** Undefined where there is no Chromium. */
export async function launchChromium(): Promise<Chromium | undefined> {
	const executablePath = findFile('/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome');
	if (executablePath === undefined) {
		return undefined;
	}

	const browser = await chromium.launch({executablePath, args: flags});
	return {
		newPage: async () => wrap(await browser.newPage()),
		resident: async () => (await renderers(browser)).reduce((sum, id) => sum + residentOf(id), 0),
		close: async () => browser.close(),
	};
}

const wrap = (page: PlaywrightPage): ChromiumPage => ({
	async open(url) {
		await page.goto(url);
		await page.waitForFunction('"calls" in globalThis');
	},
	call: async (name, ...argument) => (await page.evaluate(expressionOf(name, argument))) as never,
	workers: () => page.workers().length,
	close: async () => page.close(),
});

async function renderers(browser: PlaywrightBrowser): Promise<number[]> {
	const session = await browser.newBrowserCDPSession();
	const {processInfo} = await session.send('SystemInfo.getProcessInfo');
	await session.detach();
	return processInfo.filter(({type}) => type === 'renderer').map(({id}) => id);
}

function residentOf(id: number): number {
	const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'));
	if (!found) {
		throw new Error(`process ${id} says nothing of its memory`);
	}

	return Number(found[1]) * 1024;
}
