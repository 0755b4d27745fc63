/** The loop of generation: runs what of the prompt is not in the state yet, then a token at a time until something ends it. */
import {SnugError} from '../../compiler/error.js';
import {toFloats} from './memory.js';
import {isAbort} from './protocol.js';
import {run} from './run.js';
import {sampler, settle} from './sampling.js';
import {breathe, forget, type Session} from './session.js';
import type {FinishReason, GenerateTokensOptions, Usage} from './types.js';

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

	const next = sampler(settle(options, generation.defaults));
	const stops = new Set(options.stopTokens ?? generation.eos);
	const limit = checkPrompt(session, prompt);
	const cachedTokens = keepPrefix(session, prompt);
	const sequence = [...prompt];
	let tokens = 0;
	const finish = (reason: FinishReason) => ({reason, usage: {promptTokens: prompt.length, cachedTokens, tokens}});
	try {
		while (tokens < maxTokens) {
			signal.throwIfAborted();
			const token = next(await logitsOf(session, sequence, signal), sequence);
			await breathe(signal);
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

/** Runs the tokens that the state does not hold. */
async function logitsOf(session: Session, sequence: readonly number[], signal: AbortSignal): Promise<Float32Array> {
	const {bundle} = session;
	const port = bundle.inputs.find(({fill}) => fill === 'tokens')!;
	const name = bundle.generation!.logits;
	const data = sequence.slice(session.past);
	const dims = port.shape.map((_dim, axis) => (axis === port.shape.length - 1 ? data.length : 1));
	const outputs = await run(
		session,
		{[port.name]: {type: port.dtype as 'int64', data, dims}},
		{continue: bundle.positions > 0, logits: 'last', outputs: [name]},
		signal,
	);
	return toFloats(outputs[name]!).slice();
}
