/** The loop of generation: runs what of the prompt is not in the state yet, then a token at a time until something ends it. */
import {SnugError} from '../../compiler/error.js';
import {isAbort} from './protocol.js';
import {run} from './run.js';
import {random} from './random.js';
import {sample, settle} from './sampling.js';
import {breathe, forget, type Session} from './session.js';
import {step} from './step.js';
import type {FinishReason, GenerateTokensOptions, Usage} from './types.js';

/** Milliseconds without a look at messages, such as an abort; a look takes a task of its own. */
const BREATH = 10;

/** Receives each token; answers whether to go on. */
export type Receive = (token: number) => boolean;

export async function generate(
	session: Session,
	prompt: readonly number[],
	options: Omit<GenerateTokensOptions, 'signal'>,
	signal: AbortSignal,
	receive: Receive,
): Promise<{readonly reason: FinishReason; readonly usage: Usage}> {
	const {generation} = session.bundle;
	if (generation === undefined) {
		throw new SnugError('no-generation', {subject: `model '${session.bundle.name}'`, problem: 'it is no language model', hint: 'use run()'});
	}

	const maxTokens = options.maxTokens ?? 256;
	if (!Number.isInteger(maxTokens) || maxTokens < 0) {
		throw new SnugError('bad-option', {subject: 'option maxTokens', problem: 'no count', expected: 'a whole number', found: String(maxTokens)});
	}

	const sampling = settle(options, generation.defaults);
	const draw = random(sampling.seed);
	const stops = new Set(options.stopTokens ?? generation.eos);
	const limit = checkPrompt(session, prompt);
	const cachedTokens = keepPrefix(session, prompt);
	const sequence = [...prompt];
	let tokens = 0;
	let breathed = -Infinity;
	const finish = (reason: FinishReason) => ({reason, usage: {promptTokens: prompt.length, cachedTokens, tokens}});
	try {
		while (tokens < maxTokens) {
			signal.throwIfAborted();
			await runTokens(session, sequence, signal);
			const token = sample(session, sampling, draw(), sequence);
			if (performance.now() - breathed > BREATH) {
				await breathe(signal);
				breathed = performance.now();
			}

			if (stops.has(token)) {
				return finish('stop');
			}

			tokens++;
			sequence.push(token);
			if (!receive(token)) {
				return finish('stop');
			}

			if (sequence.length > limit) {
				return finish('length');
			}
		}

		return finish('length');
	} catch (error) {
		if (signal.aborted && isAbort(error)) {
			return finish('abort');
		}

		throw error;
	}
}

/** Positions that the model can see. */
function checkPrompt({bundle}: Session, prompt: readonly number[]): number {
	const limit = bundle.positions > 0 ? bundle.positions : (bundle.symbols['sequence']?.max ?? Infinity);
	if (prompt.length === 0 || prompt.length > limit) {
		throw new SnugError('bad-prompt', {
			subject: 'prompt',
			problem: prompt.length === 0 ? 'empty' : 'too long',
			expected: `1 to ${limit} tokens`,
			found: String(prompt.length),
			hint: prompt.length === 0 ? 'give at least one token' : 'shorten it, or compile with a larger --max-sequence',
		});
	}

	return limit;
}

/** Goes back to where the state and the prompt part; the last token of the prompt is always run. */
function keepPrefix(session: Session, prompt: readonly number[]): number {
	const held = session.tokens;
	if (held === undefined || session.bundle.positions === 0) {
		forget(session);
		return 0;
	}

	let common = 0;
	while (common < Math.min(held.length, prompt.length - 1) && held[common] === prompt[common]) {
		common++;
	}

	session.tokens = held.slice(0, common);
	session.past = common;
	return common;
}

/** Runs the tokens that the state does not hold, and the head on the last of them. */
async function runTokens(session: Session, sequence: readonly number[], signal: AbortSignal): Promise<void> {
	const {bundle} = session;
	const port = bundle.inputs.find(({fill}) => fill === 'tokens')!;
	const data = sequence.slice(session.past);
	if (data.length === 1 && step(session, data[0]!)) {
		session.call('head', {past: session.past - 1, row: 0});
		return;
	}

	const dims = port.shape.map((_dim, axis) => (axis === port.shape.length - 1 ? data.length : 1));
	await run(session, {[port.name]: {type: port.dtype as 'int64', data, dims}}, {continue: true, outputs: []}, signal);
	const row = (data.length - 1) % bundle.symbols['sequence']!.max;
	session.call('head', {past: session.past - row - 1, row});
}
