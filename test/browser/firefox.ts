/** Headless Firefox by puppeteer-core and WebDriver BiDi, which an unpatched Firefox speaks. */
import {launch} from 'puppeteer-core';
import {expressionOf, findFile, type Browser} from './browser.js';

/** Undefined where there is no Firefox. */
export async function launchFirefox(): Promise<Browser | undefined> {
	const executablePath = findFile('/usr/bin/firefox-esr', '/usr/bin/firefox');
	if (executablePath === undefined) {
		return undefined;
	}

	const browser = await launch({browser: 'firefox', executablePath, headless: true});
	return {
		async newPage() {
			const page = await browser.newPage();
			return {
				async open(url) {
					await page.goto(url);
					await page.waitForFunction('"calls" in globalThis');
				},
				call: async (name, ...argument) => (await page.evaluate(expressionOf(name, argument))) as never,
				close: async () => page.close(),
			};
		},
		close: async () => browser.close(),
	};
}
