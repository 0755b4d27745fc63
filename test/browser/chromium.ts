/**
 * Headless Chromium, and the memory of the processes that hold its pages. Pages are driven by bare protocol calls: a driver that listens
 * to the network makes Chromium keep what a page fetches, which would count as the page's own memory.
 */
import {readFileSync} from 'node:fs';
import {launch, type CDPSession} from 'puppeteer-core';
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

export type Chromium = Browser & {
	/** Bytes in memory of all processes of pages. */
	resident(): Promise<number>;
	/** Workers that live. */
	workers(): Promise<number>;
};

/** Undefined where there is no Chromium. */
export async function launchChromium(): Promise<Chromium | undefined> {
	const executablePath = findFile('/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome');
	if (executablePath === undefined) {
		return undefined;
	}

	const browser = await launch({browser: 'chrome', executablePath, headless: true, waitForInitialPage: false, args: flags});
	const session = await browser.target().createCDPSession();
	return {
		newPage: async () => openPage(session),
		async resident() {
			const {processInfo} = await session.send('SystemInfo.getProcessInfo');
			return processInfo.filter(({type}) => type === 'renderer').reduce((sum, {id}) => sum + residentOf(id), 0);
		},
		async workers() {
			const {targetInfos} = await session.send('Target.getTargets', {filter: [{type: 'worker'}]});
			return targetInfos.length;
		},
		close: async () => browser.close(),
	};
}

async function openPage(session: CDPSession): Promise<Page> {
	const {targetId} = await session.send('Target.createTarget', {url: 'about:blank'});
	const {sessionId} = await session.send('Target.attachToTarget', {targetId, flatten: true});
	const page = session.connection()!.session(sessionId)!;
	const evaluate = async (expression: string): Promise<unknown> => {
		const {result, exceptionDetails} = await page.send('Runtime.evaluate', {expression, awaitPromise: true, returnByValue: true});
		if (exceptionDetails) {
			throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		}

		return result.value;
	};

	return {
		async open(url) {
			const {errorText} = await page.send('Page.navigate', {url});
			if (errorText !== undefined) {
				throw new Error(`${url}: ${errorText}`);
			}

			for (let tries = 0; (await evaluate('"calls" in globalThis')) !== true; tries++) {
				if (tries === 1000) {
					throw new Error(`${url}: the page's script does not run`);
				}

				await new Promise(resolve => {
					setTimeout(resolve, 10);
				});
			}
		},
		call: async (name, ...argument) => (await evaluate(expressionOf(name, argument))) as never,
		async close() {
			await session.send('Target.closeTarget', {targetId});
		},
	};
}

/** A process that has ended since it was listed holds nothing: its status is gone, or has no such line. */
function residentOf(id: number): number {
	let status: string;
	try {
		status = readFileSync(`/proc/${id}/status`, 'utf8');
	} catch (error) {
		if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) {
			return 0;
		}

		throw error;
	}

	const found = /^VmRSS:\s+(\d+) kB$/m.exec(status);
	return found ? Number(found[1]) * 1024 : 0;
}
