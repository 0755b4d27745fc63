/** Where the real models are, and bundles compiled from them. Large ones are found through SNUG_MODELS. */
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {compile, type CompileOptions, type CompileResult} from '../../compiler/compile.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const large = process.env['SNUG_MODELS'] ?? '';

const folders: Readonly<Record<string, string>> = {
	'books-3m': path.join(repository, 'test/models/books-3m'),
	'smollm2-135m': path.join(large, 'smollm2-135m'),
	'all-minilm-l6-v2': path.join(large, 'all-minilm-l6-v2'),
};

const isLarge = (name: string): boolean => name === 'smollm2-135m' || name === 'all-minilm-l6-v2';

/** The model's file, or undefined where it is not on this machine. */
export function findModel(name: string): string | undefined {
	const file = path.join(folders[name] ?? path.join(repository, '../shared/models', name), 'model.onnx');
	return (isLarge(name) && large === '') || !existsSync(file) ? undefined : file;
}

/** A text of the shared data, or undefined. */
export function findText(name: string): string | undefined {
	const file = path.join(repository, '../shared/data', name);
	return existsSync(file) ? file : undefined;
}

export const missing = (name: string): string =>
	isLarge(name) ? `${name} is not there: SNUG_MODELS names the folder where it is built` : `${name} is not there: it lies beside the repository`;

export type Compiled = CompileResult & AsyncDisposable;

/** Compiles to a temporary folder that goes with the result. */
export async function compileModel(model: string, options: Omit<CompileOptions, 'output'> = {}): Promise<Compiled> {
	const folder = mkdtempSync(path.join(tmpdir(), 'snug-model-'));
	const result = await compile(model, {...options, output: path.join(folder, 'bundle')});
	return {
		...result,
		async [Symbol.asyncDispose]() {
			rmSync(folder, {recursive: true});
		},
	};
}
