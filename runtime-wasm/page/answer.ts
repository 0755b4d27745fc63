/** One answer: streams it, measures it, and says how it ended. */
import type {Message, Model} from '../loader/index.js';
import {startPace, type Pace} from './pace.js';
import type {Readout} from './readout.js';
import type {Sampling} from './settings.js';

export type Outcome = {readonly pace: Pace; readonly reason: 'stop' | 'length' | 'abort'; readonly tokens: number | undefined};

/** Milliseconds between two looks at the readout. */
const period = 100;

export async function answer(
	model: Model,
	prompt: string | readonly Message[],
	sampling: Sampling,
	{signal, readout, onText}: {readonly signal: AbortSignal; readonly readout: Readout; onText(text: string): void},
): Promise<Outcome> {
	const began = performance.now();
	const pace = startPace(began);
	let shown = began;
	for await (const piece of model.generate(prompt, {...sampling, signal})) {
		const now = performance.now();
		pace.piece(now);
		onText(piece);
		if (now - shown > period && pace.pieces > 2) {
			shown = now;
			readout.speed({decode: pace.recent, history: pace.history, firstToken: pace.first});
		}
	}

	const {usage} = model;
	const fresh = usage && usage.promptTokens - usage.cachedTokens;
	readout.speed({
		decode: pace.overall(usage?.tokens ?? pace.pieces),
		history: [...pace.history],
		firstToken: pace.first,
		...(usage && {used: usage.promptTokens + usage.tokens}),
		...(fresh !== null && pace.first !== undefined && {prefill: (fresh * 1000) / pace.first}),
	});
	return {pace, reason: model.finishReason ?? 'abort', tokens: usage?.tokens};
}
