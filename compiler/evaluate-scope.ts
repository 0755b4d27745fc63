/** What evaluations open for a while: bundles made for the purpose, and models. */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {load} from 'snug/runtime';
import type {Model} from 'snug/runtime';
import type {PrepareOptions} from './prepare.js';

type Watched = {readonly signal?: AbortSignal; onProgress?(stage: string, done: number, total: number): void};

/** Loads a bundle for as long as the scope lasts. */
export async function openModel(
	directory: string,
	scope: Scope,
	{budget, threads, signal}: {readonly budget?: number | undefined; readonly threads?: number | undefined; readonly signal?: AbortSignal},
): Promise<Model> {
	const model = await load(path.resolve(directory), {...(budget !== undefined && {budget}), ...(threads !== undefined && {threads}), ...(signal && {signal})});
	scope.release(model);
	return model;
}

/** The compiler and its back end are loaded only where they are needed: most evaluations run a bundle as it is. */
export async function decodedBundle(directory: string, scope: Scope): Promise<string> {
	const {referenceBundle} = await import('./reference/bundle.js');
	return scope.temporary(await referenceBundle(directory));
}

/** Compiles without loss into a temporary folder. @param dims Of inputs, where they are not to be what they are by default. */
export async function denseBundle(file: string, scope: Scope, {signal, onProgress}: Watched, dims?: PrepareOptions['dims']): Promise<string> {
	const {compile} = await import('./compile.js');
	const output = scope.temporary(await mkdtemp(path.join(tmpdir(), 'snug-dense-')));
	await compile(file, {
		output,
		codecs: ['dense'],
		bits: 32,
		cachePrecision: 'float32',
		...(dims && {dims}),
		...(signal && {signal}),
		...(onProgress && {onProgress}),
	});
	return output;
}

export type Scope = AsyncDisposable & {
	/** Registers a folder to remove at the end. */
	temporary(directory: string): string;
	/** Registers a model to release at the end. */
	release(model: Model): void;
};

export function createScope(): Scope {
	const folders: string[] = [];
	const models: Model[] = [];
	return {
		temporary(directory) {
			folders.push(directory);
			return directory;
		},
		release(model) {
			models.push(model);
		},
		async [Symbol.asyncDispose]() {
			for (const model of models) {
				model.release();
			}

			await Promise.all(folders.map(async folder => rm(folder, {recursive: true, force: true})));
		},
	};
}
