import {writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {load, SnugError, type Feed, type GenerateTokensOptions, type Model} from '../../runtime-wasm/loader/index.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {chatter, chatterLimits, nextToken, trapToken, writeBundle} from '../helpers/tiny-bundle.js';

const vocabulary = 256;

async function open(t: ExecutionContext, options?: Parameters<typeof chatter>[0]): Promise<Model> {
	const model = await load(writeBundle(temporaryFolder(t), chatter(options)));
	t.teardown(() => {
		model.release();
	});
	return model;
}

const ids = (data: readonly number[]): Feed => ({type: 'int64', data, dims: [1, data.length]});

/** What the chatter says after `prompt`. */
function continuation(prompt: readonly number[], count: number): number[] {
	const tokens = [...prompt];
	for (let index = 0; index < count; index++) {
		tokens.push(nextToken(tokens, vocabulary));
	}

	return tokens.slice(prompt.length);
}

async function collect<T>(pieces: AsyncIterable<T>): Promise<T[]> {
	const all: T[] = [];
	for await (const piece of pieces) {
		all.push(piece);
	}

	return all;
}

function likeliest(logits: Float32Array): number {
	return logits.indexOf(Math.max(...logits));
}

const generate = async (model: Model, prompt: readonly number[], options?: GenerateTokensOptions): Promise<number[]> =>
	collect(model.generateTokens(prompt, options));

test('greedy generation gives the likeliest tokens, whatever the length of the prompt', async t => {
	const model = await open(t);
	for (const length of [1, 3, 4, 5, 8, 9, 23]) {
		const prompt = Array.from({length}, (_, index) => 100 + index);
		t.deepEqual(await generate(model, prompt, {maxTokens: 6}), continuation(prompt, 6), `${length} tokens`);
		t.is(model.finishReason, 'length');
		t.like(model.usage, {promptTokens: length, tokens: 6});
	}
});

test('a prompt that continues the conversation runs only what is new', async t => {
	const model = await open(t);
	const prompt = [50, 51, 52, 53, 54, 55];
	const said = await generate(model, prompt, {maxTokens: 4});
	t.is(model.usage?.cachedTokens, 0);
	const more = [...prompt, ...said, 60, 61];
	t.deepEqual(await generate(model, more, {maxTokens: 4}), continuation(more, 4));
	// The last token that was said never went through the model.
	t.is(model.usage?.cachedTokens, prompt.length + said.length - 1);
	const other = [50, 51, 90];
	t.deepEqual(await generate(model, other, {maxTokens: 4}), continuation(other, 4));
	t.is(model.usage?.cachedTokens, 2);
	t.deepEqual(await generate(model, other, {maxTokens: 4}), continuation(other, 4));
	t.is(model.usage?.cachedTokens, 2);
	model.reset();
	t.deepEqual(await generate(model, other, {maxTokens: 4}), continuation(other, 4));
	t.is(model.usage?.cachedTokens, 0);
});

test('a stop token ends the text and is not handed out', async t => {
	const prompt = [9, 8];
	const expected = continuation(prompt, 5);
	const model = await open(t, {eos: [expected[3]!]});
	t.deepEqual(await generate(model, prompt), expected.slice(0, 3));
	t.is(model.finishReason, 'stop');
	t.deepEqual(await generate(model, prompt, {stopTokens: [expected[1]!]}), expected.slice(0, 1));
	t.deepEqual(await generate(model, prompt, {stopTokens: [], maxTokens: 5}), expected);
	t.is(model.finishReason, 'length');
});

test('a full state ends the generation with the reason length', async t => {
	const model = await open(t);
	const prompt = [1, 2, 3];
	const all = await generate(model, prompt);
	t.is(all.length, chatterLimits.positions - prompt.length + 1);
	t.deepEqual(all, continuation(prompt, all.length));
	t.is(model.finishReason, 'length');
	await t.throwsAsync(
		generate(
			model,
			Array.from({length: chatterLimits.positions + 1}, () => 1),
		),
		{instanceOf: SnugError, message: /prompt: too long: expected 1 to 64 tokens, found 65/},
	);
	await t.throwsAsync(generate(model, []), {message: /prompt: empty/});
	t.is(
		(
			await generate(
				model,
				Array.from({length: chatterLimits.positions}, () => 1),
			)
		).length,
		1,
	);
});

test('aborting ends the generation quietly, and the model stays usable', async t => {
	const model = await open(t, {delay: 200_000});
	const controller = new AbortController();
	const tokens: number[] = [];
	for await (const token of model.generateTokens([1, 2], {signal: controller.signal})) {
		tokens.push(token);
		if (tokens.length === 3) {
			controller.abort();
		}
	}

	t.deepEqual(tokens, continuation([1, 2], 3));
	t.is(model.finishReason, 'abort');
	t.deepEqual(await generate(model, [1, 2], {maxTokens: 5}), continuation([1, 2], 5));
	t.is(model.finishReason, 'length');
	t.deepEqual(await generate(model, [1, 2], {signal: AbortSignal.abort()}), []);
	t.is(model.finishReason, 'abort');
});

test('leaving the loop early ends the generation', async t => {
	const model = await open(t, {delay: 200_000});
	for await (const token of model.generateTokens([1, 2])) {
		t.deepEqual([token], continuation([1, 2], 1));
		break;
	}

	t.is(model.finishReason, 'abort');
	t.deepEqual(await generate(model, [5], {maxTokens: 2}), continuation([5], 2));
});

test('a call made while a generation goes on waits for its turn', async t => {
	const model = await open(t);
	const order: string[] = [];
	const text = generate(model, [3], {maxTokens: 10}).then(tokens => {
		order.push('generation');
		return tokens;
	});
	const run = model.run({input_ids: ids([7, 8])}).then(({logits}) => {
		order.push('run');
		return logits!;
	});
	t.deepEqual(await text, continuation([3], 10));
	t.is(likeliest((await run).data.slice(vocabulary) as Float32Array), nextToken([7, 8], vocabulary));
	t.deepEqual(order, ['generation', 'run']);
	for await (const token of model.generateTokens([3], {maxTokens: 2})) {
		const {logits} = await model.run({input_ids: ids([token])}, {logits: 'last'});
		t.is(likeliest(logits!.data as Float32Array), nextToken([token], vocabulary));
	}
});

test('seeds make drawn texts repeatable', async t => {
	const model = await open(t);
	const draw = async (seed: number): Promise<number[]> => generate(model, [40, 41], {maxTokens: 20, temperature: 2, seed});
	const first = await draw(1);
	t.deepEqual(await draw(1), first);
	t.notDeepEqual(await draw(2), first);
	t.notDeepEqual(first, continuation([40, 41], 20));
});

test('options out of range are refused by name', async t => {
	const model = await open(t);
	for (const [options, message] of [
		[{temperature: -1}, /option temperature/],
		[{topP: 2}, /option topP: out of range: expected a number from 0 to 1, found 2/],
		[{topK: 1.5}, /option topK/],
		[{maxTokens: -1}, /option maxTokens/],
		[{repetitionPenalty: 0}, /option repetitionPenalty/],
	] as const) {
		await t.throwsAsync(generate(model, [1], options), {instanceOf: SnugError, message});
	}

	await t.throwsAsync(generate(model, [1, 300]), {message: /input 'input_ids': element 1 is outside its table: expected 0 to 255, found 300/});
});

test('a trap is an error that names the entry, and the model stays usable', async t => {
	const model = await open(t);
	const before = await generate(model, [1, 2, 3], {maxTokens: 2});
	const error = await t.throwsAsync(generate(model, [1, 2, 3, ...before, trapToken, 4]), {instanceOf: SnugError});
	t.is(error.code, 'trap');
	t.regex(error.message, /entry 'prefill'.*past = 4/);
	t.deepEqual(await generate(model, [1, 2, 3], {maxTokens: 2}), before);
	await t.throwsAsync(model.run({input_ids: ids([trapToken])}), {message: /entry 'decode'/});
});

test('run gives all rows of the logits, or the last', async t => {
	const model = await open(t);
	const tokens = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29];
	const {logits, echo} = await model.run({input_ids: ids(tokens)});
	t.deepEqual(logits!.dims, [1, tokens.length, vocabulary]);
	for (let row = 0; row < tokens.length; row++) {
		t.is(
			likeliest((logits!.data as Float32Array).slice(row * vocabulary, (row + 1) * vocabulary)),
			nextToken(tokens.slice(0, row + 1), vocabulary),
			`row ${row}`,
		);
	}

	t.deepEqual(echo!.dims, [1, tokens.length]);
	t.deepEqual(Array.from(echo!.data as Float32Array), tokens);
	const last = await model.run({input_ids: ids(tokens)}, {logits: 'last', outputs: ['logits']});
	t.deepEqual(Object.keys(last), ['logits']);
	t.deepEqual(last['logits']!.dims, [1, 1, vocabulary]);
	t.is(likeliest(last['logits']!.data as Float32Array), nextToken(tokens, vocabulary));
});

test('run starts from an empty state unless it continues', async t => {
	const model = await open(t);
	const row = async (tokens: readonly number[], more = false): Promise<number> =>
		likeliest((await model.run({input_ids: ids(tokens)}, {logits: 'last', continue: more}))['logits']!.data as Float32Array);
	t.is(await row([1, 2, 3]), nextToken([1, 2, 3], vocabulary));
	t.is(await row([4, 5], true), nextToken([1, 2, 3, 4, 5], vocabulary));
	t.is(await row([4, 5]), nextToken([4, 5], vocabulary));
	await t.throwsAsync(model.run({input_ids: ids(Array.from({length: 63}, () => 1))}, {continue: true}), {
		message: /state.*at most 64 positions, found 2 held and 63 new/,
	});
	t.is(await row([6], true), nextToken([4, 5, 6], vocabulary));
});

test('inputs that are given are cut along with the sequence', async t => {
	const model = await open(t);
	const tokens = [30, 31, 32, 33, 34, 35];
	const mask = [1, 0, 1, 1, 0, 1];
	const seen = tokens.map((token, index) => token * (mask[index] ?? 0));
	const {logits, echo} = await model.run({input_ids: ids(tokens), attention_mask: ids(mask), position_ids: ids([0, 1, 2, 3, 4, 5])}, {logits: 'last'});
	t.deepEqual(Array.from(echo!.data as Float32Array), seen);
	t.is(likeliest(logits!.data as Float32Array), nextToken(seen, vocabulary));
	// The state came with a mask, so no prompt can continue it.
	t.deepEqual(await generate(model, [...tokens, 9], {maxTokens: 2}), continuation([...tokens, 9], 2));
	t.is(model.usage?.cachedTokens, 0);
	await t.throwsAsync(model.run({input_ids: ids(tokens), attention_mask: ids([1, 1])}), {message: /input '(attention_mask|input_ids)': wrong dimensions/});
});

for (const storage of ['float32', 'float16', 'int8'] as const) {
	test(`past inputs become the state, and present outputs come back (${storage})`, async t => {
		const model = await open(t, {storage});
		const past = [64, 127, -32, 5];
		const {present_key: present, ...rest} = await model.run(
			{input_ids: ids([1]), past_key: {type: 'float32', data: past, dims: [1, 1, 4, 1]}},
			{outputs: ['present_key']},
		);
		t.deepEqual(rest, {});
		t.deepEqual(present!.dims, [1, 1, 5, 1]);
		t.deepEqual(
			Array.from(present!.data as Float32Array)
				.slice(0, 4)
				.map(Math.round),
			past,
		);
	});
}

test('a past of no positions gives presents too, and past together with continue is refused', async t => {
	const model = await open(t);
	const nothing: Feed = {type: 'float32', data: [], dims: [1, 1, 0, 1]};
	const first = await model.run({input_ids: ids([5, 6]), past_key: nothing});
	t.deepEqual(Object.keys(first).sort(), ['echo', 'logits', 'present_key']);
	t.deepEqual(Array.from(first['present_key']!.data as Float32Array), [5, 6]);
	const second = await model.run({input_ids: ids([7]), past_key: first['present_key']!});
	t.is(likeliest(second['logits']!.data as Float32Array), nextToken([5, 6, 7], vocabulary));
	await t.throwsAsync(model.run({input_ids: ids([7]), past_key: nothing}, {continue: true}), {message: /option continue/});
	await t.throwsAsync(model.run({input_ids: ids([7]), past_key: {type: 'float32', data: [1, 2], dims: [1, 2, 1, 1]}}), {
		message: /input 'past_key': wrong dimensions/,
	});
});

test('text needs a tokenizer', async t => {
	const model = await open(t);
	await t.throwsAsync(collect(model.generate('hello')), {instanceOf: SnugError, message: /no tokenizer/});
});

test('a program that lacks an entry is refused', async t => {
	const folder = temporaryFolder(t);
	const draft = chatter();
	writeBundle(folder, draft);
	writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({...draft.manifest, entries: {...draft.manifest.entries, extra: {symbols: []}}}));
	await t.throwsAsync(load(folder), {instanceOf: SnugError, message: /exports no function 'extra'/});
});
