/** Where a bundle is measured: in a page of a headless Chromium, or in this process. */
import path from 'node:path';
import process from 'node:process';
import {load} from 'snug/runtime';
import {SnugError, type ErrorDetail} from '../error.js';
import {serveBundle} from '../serve/server.js';
import {launchChromium} from './chromium.js';
import {findBrowser} from './find-browser.js';
import type {Job} from './job.js';
import {measure, type Measurement} from './measure.js';
import {memoryOf} from './process-memory.js';

export type EngineRun = Measurement & {
	/** Most bytes that the measuring process had in memory: the page's renderer, or this process. Null where the system does not say. */
	readonly peakMemory: number | null;
	/** The same process before it loaded anything. */
	readonly blankMemory: number | null;
	/** Name and version of the engine. */
	readonly engine: string;
};

export type EngineOptions = {
	readonly browser?: string | undefined;
	readonly signal?: AbortSignal | undefined;
	onStage?(stage: string): void;
};

export type EngineName = 'chromium' | 'node';

export const engines: Readonly<Record<EngineName, (bundle: string, job: Job, options: EngineOptions) => Promise<EngineRun>>> = {
	async node(bundle, job, {signal, onStage}) {
		onStage?.('measure');
		const blankMemory = memoryOf(process.pid)?.now ?? null;
		const measurement = await measure(
			async (url, options) => load(url, {...options, ...(signal && {signal})}),
			path.resolve(bundle),
			job,
			() => {
				signal?.throwIfAborted();
			},
		);
		return {...measurement, engine: `Node ${process.versions.node}`, blankMemory, peakMemory: process.resourceUsage().maxRSS * 1024};
	},

	async chromium(bundle, job, {browser, signal, onStage}) {
		onStage?.('start Chromium');
		const file = findBrowser(browser);
		const server = await serveBundle(bundle);
		const chromium = await launchChromium(file).catch(async (error: unknown) => {
			await server.close();
			throw error;
		});
		const stop = (): void => {
			void chromium.close();
		};

		signal?.addEventListener('abort', stop);
		try {
			signal?.throwIfAborted();
			const page = await chromium.openPage(`${server.url}bench.html`);
			const most = async (which: 'now' | 'peak'): Promise<number | null> => {
				const found = (await chromium.renderers()).flatMap(id => memoryOf(id)?.[which] ?? []);
				return found.length === 0 ? null : Math.max(...found);
			};

			const blankMemory = await most('now');
			onStage?.('measure');
			const answer = (await page.evaluate(`bench(${JSON.stringify(job)})`)) as PageAnswer;
			if ('error' in answer) {
				throw errorOf(answer.error);
			}

			return {...answer.measurement, engine: chromium.version.replace('/', ' '), blankMemory, peakMemory: await most('peak')};
		} finally {
			signal?.removeEventListener('abort', stop);
			await chromium.close();
			await server.close();
		}
	},
};

type PageAnswer =
	| {readonly measurement: Measurement}
	| {readonly error: {readonly name: string; readonly message: string; readonly code?: string; readonly detail?: ErrorDetail}};

const errorOf = ({name, message, code, detail}: Extract<PageAnswer, {error: unknown}>['error']): Error =>
	code !== undefined && detail !== undefined ? new SnugError(code, detail) : new SnugError('page-failed', {subject: 'page', problem: `${name}: ${message}`});
