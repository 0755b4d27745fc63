/** Runs a contender once, in a Chromium of its own: times from the page, memory from the system. */
import {launchChromium} from '../../../compiler/bench/chromium.js';
import {memoryOf} from '../../../compiler/bench/process-memory.js';
import type {Contender} from './contenders.js';
import type {AnswerTimes, Prompt, RaceResult} from './job.js';

export type Run = RaceResult & {
	/** Resident bytes of the renderer: at most, until behind the short prompts, and of the blank page before. */
	readonly peak: number;
	readonly blank: number;
	/** Answers far into a conversation. */
	readonly deep: readonly AnswerTimes[];
};

export type Course = {readonly prompts: readonly Prompt[]; readonly deep: Prompt; readonly decodeTokens: number};

/** One answer of a fast runtime is a few batches of tokens, too few to tell; one of a slow runtime takes a minute. */
const [DEEP_ANSWERS, DEEP_MILLISECONDS] = [5, 15_000];

export async function runOnce(browser: string, site: string, {engine, threads, name}: Contender, {prompts, deep, decodeTokens}: Course): Promise<Run> {
	const chromium = await launchChromium(browser);
	try {
		const page = await chromium.openPage(site);
		const memory = async (which: 'now' | 'peak'): Promise<number> =>
			Math.max(...(await chromium.renderers()).map(id => memoryOf(id)?.[which] ?? NaN).filter(bytes => !Number.isNaN(bytes)));
		const call = async (method: string, ...values: readonly unknown[]): Promise<unknown> =>
			page.evaluate(`race.${method}(${values.map(value => JSON.stringify(value)).join()})`);
		const blank = await memory('now');
		const result = (await call('start', {engine, threads, prompts, decodeTokens})) as RaceResult;
		if (result.threads !== threads) {
			throw new Error(`${name} ran with ${result.threads} of ${threads} threads`);
		}

		const peak = await memory('peak');
		const began = performance.now();
		const answers: AnswerTimes[] = [];
		while (answers.length < DEEP_ANSWERS && performance.now() - began < DEEP_MILLISECONDS) {
			answers.push((await call('deep', deep, decodeTokens + 1)) as AnswerTimes);
		}

		return {...result, blank, peak, deep: answers};
	} finally {
		await chromium.close();
	}
}
