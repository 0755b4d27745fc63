/**
 * A headless Chromium of our own: a fresh profile in a temporary folder, driven over a pipe, ended with its folder when done. Nothing
 * listens to the network of its pages, for then Chromium keeps what they fetch, which would count as their memory.
 */
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type {Readable, Writable} from 'node:stream';
import {SnugError} from '../error.js';
import {openDevtools, type Devtools} from './devtools.js';

const flags = [
	'--headless',
	'--remote-debugging-pipe',
	'--no-first-run',
	'--no-startup-window',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-extensions',
	'--disable-quic',
	'--disable-sync',
	// A hidden page must not be slowed down.
	'--disable-background-timer-throttling',
	'--disable-renderer-backgrounding',
	// Renderers kept for later pages would be mistaken for this one's.
	'--disable-features=SpareRendererForSitePerProcess',
];

export type Chromium = {
	/** Such as 'Chrome/140.0.7339.16'. */
	readonly version: string;
	/** Opens a page in a context of its own: no cache, no storage. */
	openPage(url: string): Promise<BrowserPage>;
	/** Process ids of all renderers. */
	renderers(): Promise<number[]>;
	close(): Promise<void>;
};

export type BrowserPage = {
	/** The value of an expression, awaited; an error when it throws or the page crashes. */
	evaluate(expression: string): Promise<unknown>;
	close(): Promise<void>;
};

/** @param extra Further flags. */
export async function launchChromium(file: string, extra: readonly string[] = []): Promise<Chromium> {
	const profile = mkdtempSync(path.join(tmpdir(), 'snug-chromium-'));
	// Chromium refuses its sandbox to the superuser.
	const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
	const child = spawn(file, [...flags, ...sandbox, ...extra, `--user-data-dir=${profile}`], {stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe']});
	const [, , , input, output] = child.stdio;
	const devtools = openDevtools(input as Writable, output as Readable);
	let said = '';
	child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
	const ended = new Promise<void>(resolve => {
		const end = (found: string, cause?: Error): void => {
			const last = said.trim().split('\n').at(-1) ?? '';
			devtools.fail(new SnugError('browser-ended', {subject: file, problem: `the browser ended${last ? ` (${last})` : ''}`, found}, cause && {cause}));
			resolve();
		};

		child.on('error', error => {
			end(error.message, error);
		});
		child.on('exit', (status, signal) => {
			end(signal ?? `status ${status}`);
		});
	});
	const close = async (): Promise<void> => {
		devtools.send('Browser.close').catch(() => undefined);
		const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
		await ended;
		clearTimeout(timer);
		rmSync(profile, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
	};

	try {
		const {product} = await devtools.send('Browser.getVersion');
		return {version: String(product), openPage: async url => openPage(devtools, url), renderers: async () => renderersOf(devtools), close};
	} catch (error) {
		await close();
		throw error;
	}
}

async function renderersOf(devtools: Devtools): Promise<number[]> {
	const {processInfo} = await devtools.send('SystemInfo.getProcessInfo');
	return (processInfo as ReadonlyArray<{type: string; id: number}>).filter(({type}) => type === 'renderer').map(({id}) => id);
}

async function openPage(devtools: Devtools, url: string): Promise<BrowserPage> {
	const {browserContextId} = await devtools.send('Target.createBrowserContext');
	const {targetId} = await devtools.send('Target.createTarget', {url: 'about:blank', browserContextId});
	const {sessionId} = (await devtools.send('Target.attachToTarget', {targetId, flatten: true})) as {sessionId: string};
	const crashed = new Promise<never>((_resolve, reject) => {
		devtools.on('Inspector.targetCrashed', (_parameters, session) => {
			if (session === sessionId) {
				reject(
					new SnugError('page-crashed', {
						subject: 'page',
						problem: 'the browser ended it',
						hint: 'most often it ran out of memory: compile for a smaller budget',
					}),
				);
			}
		});
	});
	crashed.catch(() => undefined);
	await devtools.send('Inspector.enable', {}, sessionId);
	const evaluate = async (expression: string): Promise<unknown> => {
		const answer = await Promise.race([
			crashed,
			devtools.send('Runtime.evaluate', {expression, awaitPromise: true, returnByValue: true}, sessionId) as Promise<Evaluated>,
		]);
		if (answer.exceptionDetails) {
			const {text, exception} = answer.exceptionDetails;
			throw new SnugError('page-failed', {subject: 'page', problem: exception?.description ?? text});
		}

		return answer.result?.value;
	};

	const {errorText} = (await devtools.send('Page.navigate', {url}, sessionId)) as {errorText?: string};
	if (errorText !== undefined) {
		throw new SnugError('page-failed', {subject: url, problem: `cannot be opened (${errorText})`});
	}

	// Modules have run when the document is complete.
	while ((await evaluate('document.readyState')) !== 'complete' || (await evaluate('location.href')) === 'about:blank') {
		await new Promise(resolve => {
			setTimeout(resolve, 20);
		});
	}

	return {
		evaluate,
		async close() {
			await devtools.send('Target.disposeBrowserContext', {browserContextId});
		},
	};
}

type Evaluated = {
	readonly result?: {readonly value?: unknown};
	readonly exceptionDetails?: {readonly text: string; readonly exception?: {readonly description?: string}};
};
