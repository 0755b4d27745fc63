/** What stands beside a model file: tokenizer, chat template, and what its configuration says about generating text. */
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';
import {loaderFile} from '../built-files.js';
import type {FileEntry, Manifest} from './format.js';
import {writeHashed} from './chunks.js';

export type Config = {
	readonly bos?: number;
	readonly eos: readonly number[];
	readonly context?: number;
	readonly defaults: Readonly<Record<string, number>>;
};

type Json = Readonly<Record<string, unknown>>;

function readJson(file: string): Json {
	if (!existsSync(file)) {
		return {};
	}

	try {
		return JSON.parse(readFileSync(file, 'utf8')) as Json;
	} catch (error) {
		throw new SnugError(
			'invalid-config',
			{subject: file, problem: 'is no JSON', found: (error as Error).message, hint: 'mend the file or move it away'},
			{cause: error},
		);
	}
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

const SAMPLING: Readonly<Record<string, string>> = {
	temperature: 'temperature',
	top_k: 'topK',
	top_p: 'topP',
	min_p: 'minP',
	repetition_penalty: 'repetitionPenalty',
};

/** From config.json, generation_config.json and genai_config.json, as far as they are there. */
export function readConfig(directory: string): Config {
	const config = readJson(path.join(directory, 'config.json'));
	const generation = readJson(path.join(directory, 'generation_config.json'));
	const genai = readJson(path.join(directory, 'genai_config.json'))['model'] as Json | undefined;
	const eos = [generation['eos_token_id'] ?? config['eos_token_id'] ?? genai?.['eos_token_id']].flat().filter(id => typeof id === 'number');
	const bos = number(generation['bos_token_id'] ?? config['bos_token_id'] ?? genai?.['bos_token_id']);
	const context = number(config['max_position_embeddings'] ?? genai?.['context_length'] ?? config['n_positions']);
	const sampled = generation['do_sample'] === true;
	const defaults = sampled
		? Object.entries(SAMPLING).flatMap(([key, name]) => (typeof generation[key] === 'number' ? [[name, generation[key]] as const] : []))
		: [];
	return {eos, defaults: Object.fromEntries(defaults), ...(bos === undefined ? {} : {bos}), ...(context === undefined ? {} : {context})};
}

/** The tokenizer's files, by what they are, in a folder. */
export type TextSource = {readonly directory: string; readonly tokenizer: string; readonly config?: string; readonly template?: string};

/** The tokenizer beside a model file, or undefined. */
export function findText(directory: string): TextSource | undefined {
	const has = (name: string): boolean => existsSync(path.join(directory, name));
	return has('tokenizer.json')
		? {
				directory,
				tokenizer: 'tokenizer.json',
				...(has('tokenizer_config.json') ? {config: 'tokenizer_config.json'} : {}),
				...(has('chat_template.jinja') ? {template: 'chat_template.jinja'} : {}),
			}
		: undefined;
}

/** Copies the tokenizer's files and the module that reads them. */
export function writeText({directory, ...names}: TextSource, bundle: string): {readonly text: NonNullable<Manifest['text']>; readonly bytes: number} {
	const copy = (name: string, file: string): FileEntry => writeHashed(bundle, name, readFileSync(path.join(directory, file)));
	const text = {
		module: writeHashed(bundle, 'tokenizer.js', readFileSync(loaderFile('tokenizer.js'))),
		tokenizer: copy('tokenizer.json', names.tokenizer),
		...(names.config === undefined ? {} : {config: copy('tokenizer_config.json', names.config)}),
		...(names.template === undefined ? {} : {template: copy('chat_template.jinja', names.template)}),
	};
	return {text, bytes: Object.values(text).reduce((sum, {bytes}) => sum + bytes, 0)};
}
