/** WebKitGTK's MiniBrowser, the nearest to Safari on Linux, by plain WebDriver and on a display of its own. */
import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import type {Readable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {freePort} from '../helpers/free-port.js';
import {expressionOf, findFile, type Browser, type Page} from './browser.js';

/** Undefined where WebKitGTK, its driver or the display server is missing. */
export async function launchWebKit(): Promise<Browser | undefined> {
	const driver = findFile('/usr/bin/WebKitWebDriver');
	const display = findFile('/usr/bin/Xvfb');
	const binary = findFile(...['x86_64', 'aarch64'].map(machine => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`));
	if (driver === undefined || display === undefined || binary === undefined) {
		return undefined;
	}

	const screen = spawn(display, ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {stdio: ['ignore', 'ignore', 'ignore', 'pipe']});
	const children: ChildProcess[] = [screen];
	try {
		const [number] = (await once(screen.stdio[3] as Readable, 'data')) as [Buffer];
		const port = await freePort();
		const environment = {...process.env, DISPLAY: `:${number.toString().trim()}`};
		children.push(spawn(driver, [`--port=${port}`], {stdio: 'ignore', env: environment}));
		const send = await openSession(`http://127.0.0.1:${port}`, binary);
		return {
			newPage: async () => wrap(send),
			async close() {
				await send('DELETE', '');
				await end(children);
			},
		};
	} catch (error) {
		await end(children);
		throw error;
	}
}

type Send = (method: 'POST' | 'DELETE', path: string, body?: unknown) => Promise<unknown>;

async function openSession(driver: string, binary: string): Promise<Send> {
	const capabilities = {alwaysMatch: {'webkitgtk:browserOptions': {binary, args: ['--automation']}, timeouts: {script: 120_000}}};
	for (let tries = 1; ; tries++) {
		try {
			const {sessionId} = (await request(`${driver}/session`, 'POST', {capabilities})) as {readonly sessionId: string};
			return async (method, path, body) => request(`${driver}/session/${sessionId}${path}`, method, body);
		} catch (error) {
			// The driver takes a moment until it listens.
			if (tries === 50 || !(error instanceof TypeError)) {
				throw error;
			}

			await sleep(100);
		}
	}
}

async function request(url: string, method: string, body: unknown): Promise<unknown> {
	const response = await fetch(url, {method, ...(method === 'POST' ? {body: JSON.stringify(body ?? {})} : {})});
	const {value} = (await response.json()) as {readonly value: unknown};
	if (!response.ok) {
		throw new Error(`WebKitWebDriver: ${(value as {readonly message: string}).message}`);
	}

	return value;
}

/** The one window of the session. */
const wrap = (send: Send): Page => ({
	async open(url) {
		await send('POST', '/url', {url});
	},
	async call(name, ...argument) {
		const script = `const done = arguments[0]; ${expressionOf(name, argument)}.then(value => done({value}), error => done({error: String(error)}));`;
		const {value, error} = (await send('POST', '/execute/async', {script, args: []})) as {readonly value?: never; readonly error?: string};
		if (error !== undefined) {
			throw new Error(error);
		}

		return value as never;
	},
	close: async () => undefined,
});

async function end(children: readonly ChildProcess[]): Promise<void> {
	for (const child of [...children].reverse()) {
		if (child.exitCode === null && child.kill()) {
			await once(child, 'exit');
		}
	}
}
