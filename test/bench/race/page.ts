/** The script of the race's page: loads one runtime cold, answers prompts, and later one far into a conversation. */
import type {AnswerTimes, Prompt, RaceJob, RaceResult} from './job.js';
import {prepare, type Racer} from './racers.js';

let racer: Racer | undefined;

async function answer(prompt: Prompt, count: number): Promise<AnswerTimes> {
	const began = performance.now();
	const times: number[] = [];
	const promptTokens = await racer!.write(prompt, count, () => times.push(performance.now()));
	if (times.length < 2) {
		throw new Error(`${times.length} of ${count} tokens came`);
	}

	return {first: times[0]! - began, steps: times.slice(1).map((time, index) => time - times[index]!), promptTokens};
}

const race = {
	async start({engine, threads, prompts, decodeTokens}: RaceJob): Promise<RaceResult> {
		const prepared = await prepare(engine);
		const began = performance.now();
		racer = await prepared.load(threads);
		const loaded = performance.now();
		const [cold, ...warm] = prompts;
		const {first} = await answer(cold!, decodeTokens + 1);
		const answers: AnswerTimes[] = [];
		for (const prompt of warm) {
			answers.push(await answer(prompt, decodeTokens + 1));
		}

		return {threads: racer.threads, load: loaded - began, firstToken: loaded - began + first, answers};
	},
	deep: answer,
};

Object.assign(globalThis, {race});
