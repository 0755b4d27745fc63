/** A person at the page of `snug serve`: writes, waits, stops, meets errors, with the keyboard alone and on a narrow screen. */
import {copyFileSync, readFileSync, renameSync} from 'node:fs';
import path from 'node:path';
import anyTest, {type ExecutionContext} from 'ava';
import {launch, type Browser, type Page} from 'puppeteer-core';
import {loaderFile} from '../../compiler/built-files.js';
import {serveBundle} from '../../compiler/serve/server.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {talker, vocabulary, words} from '../helpers/talker.js';
import {adder, chatter, chatterLimits, fileEntry, nextToken, trapToken, writeBundle, type Draft} from '../helpers/tiny-bundle.js';
import {findFile} from './browser.js';

const executablePath = findFile('/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome');
const test = executablePath === undefined ? anyTest.serial.skip : anyTest.serial;
let browser: Browser | undefined;

anyTest.before(async () => {
	if (executablePath !== undefined) {
		browser = await launch({browser: 'chrome', executablePath, headless: true, args: ['--no-sandbox', '--disable-quic']});
	}
});
anyTest.after.always(async () => browser?.close());

/** With the tokenizer module that a bundle brings, and a chat template if asked for. Slow enough to be stopped. */
function speaker(chat: boolean, delay: number, most = vocabulary): Draft {
	const {files, manifest} = talker();
	const slow = chatter({vocabulary: most, delay});
	const text = {
		...manifest.text!,
		module: fileEntry(files, 'tokenizer.js', readFileSync(loaderFile('tokenizer.js'))),
		...(chat && {template: fileEntry(files, 'chat_template.jinja', "{% for message in messages %}{{ message['content'] + '\n' }}{% endfor %}")}),
	};
	return {files: new Map([...files, ...slow.files]), manifest: {...slow.manifest, text}};
}

type Visit = {readonly page: Page; readonly folder: string; readonly problems: readonly string[]; status(expected: RegExp): Promise<string>};

async function visit(t: ExecutionContext, draft: Draft, {width = 1440, height = 900, prepare = (_folder: string): void => undefined} = {}): Promise<Visit> {
	const folder = writeBundle(temporaryFolder(t), draft);
	copyFileSync(loaderFile('snug.js'), path.join(folder, 'snug.js'));
	prepare(folder);
	const server = await serveBundle(folder);
	const page = await browser!.newPage();
	t.teardown(async () => {
		await page.close();
		await server.close();
	});
	const problems: string[] = [];
	page.on('pageerror', error => problems.push(String(error)));
	page.on('console', message => message.type() === 'error' && problems.push(message.text()));
	await page.setViewport({width, height, isMobile: width < 500, hasTouch: width < 500});
	await page.goto(server.url);
	const status = async (expected: RegExp): Promise<string> => {
		try {
			await page.waitForFunction(source => new RegExp(source).test(document.getElementById('status')!.textContent), {timeout: 20_000}, expected.source);
		} catch (error) {
			throw new Error(`the status is '${await textOf(page, '#status')}'`, {cause: error});
		}

		return textOf(page, '#status');
	};

	return {page, folder, problems, status};
}

const textOf = async (page: Page, selector: string): Promise<string> => page.$eval(selector, node => (node as HTMLElement).innerText);

const focused = async (page: Page): Promise<string> => page.evaluate(() => document.activeElement!.id || document.activeElement!.textContent);

const set = async (page: Page, selector: string, value: string): Promise<void> =>
	page.$eval(
		selector,
		(node, text) => {
			(node as HTMLInputElement).value = text;
			node.dispatchEvent(new Event('input'));
		},
		value,
	);

function continuation(prompt: readonly number[], count: number): string {
	const tokens = [...prompt];
	while (tokens.length < prompt.length + count) {
		tokens.push(nextToken(tokens, vocabulary));
	}

	return words(tokens.slice(prompt.length));
}

test('a text is continued with the tokens of the model, and the figures follow', async t => {
	const {page, problems, status} = await visit(t, speaker(false, 0));
	await status(/^Ready$/);
	t.is(await textOf(page, '#name'), 'chatter');
	await set(page, '#temperature', '0');
	await set(page, '#max-tokens', '5');
	t.is(await focused(page), 'prompt');
	await page.keyboard.type(words([1, 2, 3]));
	await page.keyboard.press('Enter');
	t.regex(await status(/5 tokens/), /^Reached the limit, 5 tokens/);
	t.is((await textOf(page, '.message.model .text')).trim(), continuation([1, 2, 3], 5));
	t.is(await page.$eval('.message.model', node => node.getAttribute('aria-busy')), 'false');
	t.regex(await textOf(page, '#decode'), /^[\d.]+$/);
	t.regex(await textOf(page, '#speed-list'), new RegExp(`8 of ${chatterLimits.positions} tokens`));
	t.regex(await textOf(page, '#memory'), /^[\d.]+ kB$/);
	// As it stands, the text is continued by an empty message.
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.querySelectorAll('.message.model .note').length === 2);
	t.regex(await textOf(page, '#speed-list'), new RegExp(`13 of ${chatterLimits.positions} tokens`));
	t.deepEqual(problems, []);
});

test('in a chat Enter sends, Shift and Enter starts a line, Escape stops, and a new conversation is empty', async t => {
	// Without the token that traps, since what is said depends on when it was stopped.
	const {page, problems, status} = await visit(t, speaker(true, 60_000_000, trapToken - 1));
	await status(/^Ready$/);
	t.true(await page.$eval('#send', node => (node as HTMLButtonElement).disabled));
	await page.keyboard.type('w1');
	await page.keyboard.down('Shift');
	await page.keyboard.press('Enter');
	await page.keyboard.up('Shift');
	await page.keyboard.type('w2');
	t.is(await page.$eval('#prompt', node => (node as HTMLTextAreaElement).value), 'w1\nw2');
	await page.keyboard.press('Enter');
	await status(/^Answering$/);
	t.is((await textOf(page, '.message.user .text')).trim(), 'w1\nw2');
	t.is(await page.$eval('.message.model', node => node.getAttribute('aria-busy')), 'true');
	await page.waitForFunction(() => document.querySelector('.message.model .text')!.textContent !== '');
	t.true(await page.$eval('#send', node => (node as HTMLElement).hidden));
	await page.keyboard.press('Escape');
	await status(/^Stopped/);
	t.is(await focused(page), 'prompt');
	const said = await textOf(page, '.message.model .text');
	await new Promise(resolve => {
		setTimeout(resolve, 200);
	});
	t.is(await textOf(page, '.message.model .text'), said, 'it went on');

	// A conversation that is left while it answers takes nothing along.
	await page.keyboard.type('w4');
	await page.keyboard.press('Enter');
	await status(/^Answering$/);
	await page.click('#renew');
	await status(/^Ready$/);
	await page.waitForFunction(() => document.getElementById('stop')!.hidden);
	t.is(await page.$$eval('.message', nodes => nodes.length), 0);
	t.false(await page.$eval('#welcome', node => (node as HTMLElement).hidden));
	t.deepEqual(problems, []);
});

test('a load that fails says so and can be repeated', async t => {
	const draft = speaker(false, 0);
	const {program} = {program: draft.manifest.programs.plain.file};
	const {page, folder, status} = await visit(t, draft, {
		prepare(bundle) {
			renameSync(path.join(bundle, program), path.join(bundle, 'away'));
		},
	});
	await status(/^A file of the model is not there$/);
	t.is(await page.$eval('.problem', node => node.getAttribute('role')), 'alert');
	t.regex(await textOf(page, '.problem .detail'), /program\.wasm.*404/);
	t.is(await focused(page), 'Try again');
	renameSync(path.join(folder, 'away'), path.join(folder, program));
	await page.keyboard.press('Enter');
	await status(/^Ready$/);
	t.is(await page.$('#failure .problem:not([hidden])').then(async node => node?.isVisible()), false);
});

test('a program that stops is shown beside the message, and the model can be used further', async t => {
	const {page, status} = await visit(t, speaker(false, 0));
	await status(/^Ready$/);
	await set(page, '#temperature', '0');
	await set(page, '#max-tokens', '2');
	await page.keyboard.type(`w${trapToken}`);
	await page.keyboard.press('Enter');
	await status(/^The program stopped$/);
	t.is(await focused(page), 'Try again');
	await page.keyboard.press('Tab');
	t.is(await focused(page), 'New text');
	await page.keyboard.press('Enter');
	t.is(await page.$$eval('.problem', nodes => nodes.length), 0);
	await page.keyboard.type('w1');
	await page.keyboard.press('Enter');
	await status(/2 tokens/);
	t.is((await textOf(page, '.message.model .text')).trim(), continuation([1], 2));
});

test('a prompt beyond what the model can see asks for a new conversation', async t => {
	const {page, status} = await visit(t, speaker(true, 0));
	await status(/^Ready$/);
	await page.keyboard.type(words(Array.from({length: chatterLimits.positions + 1}, () => 1)));
	await page.keyboard.press('Enter');
	await status(/^The conversation is longer than the model can see$/);
	t.is(await focused(page), 'New conversation');
});

test('on a narrow screen the details are a sheet, and nothing is wider than the screen', async t => {
	const {page, problems, status} = await visit(t, speaker(true, 0), {width: 390, height: 844});
	await status(/^Ready$/);
	const overflow = async (): Promise<boolean> => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
	t.false(await overflow());
	t.false(await page.$eval('#panel', node => node.checkVisibility()));
	await page.click('#details');
	t.true(await page.$eval('#panel', node => node.checkVisibility()));
	t.is(await focused(page), 'panel-close');
	t.false(await overflow());
	await page.keyboard.press('Escape');
	t.false(await page.$eval('#panel', node => node.checkVisibility()));
	t.is(await focused(page), 'details');
	t.deepEqual(problems, []);
});

test('the address chooses the program', async t => {
	const {page, status} = await visit(t, speaker(true, 0));
	await status(/^Ready$/);
	await page.goto(`${page.url()}?simd=plain`);
	await status(/^Ready$/);
	t.regex(await textOf(page, '#memory-list'), /SIMD\s+plain/);
});

test('a model of arrays shows what goes in and out, and offers no text', async t => {
	const {page, problems, status} = await visit(t, adder());
	await status(/^Ready$/);
	t.regex(await textOf(page, '#arrays'), /does not write text[^]*Inputs\s+x\s+float32\s+n × 4\s+Outputs\s+y/);
	t.false(await page.$eval('#prompt', node => node.checkVisibility()));
	t.deepEqual(problems, []);
});
