/** The C prototypes of the built kernels: names, order and kinds of parameters. `const` pointers are read, others written. */
import {existsSync, readFileSync} from 'node:fs';
import {SnugError} from '../error.js';
import {kernelFile} from './kernel-files.js';

export type Prototypes = Readonly<
	Record<string, {readonly parameters: ReadonlyArray<{readonly name: string; readonly type: 'i32' | 'f32' | 'read' | 'write'}>}>
>;

let loaded: Prototypes | undefined;

export function readPrototypes(): Prototypes {
	const file = kernelFile('prototypes.json');
	if (!loaded && !existsSync(file)) {
		throw new SnugError('missing-kernels', {subject: file, problem: 'the kernels are not built', hint: 'run npm run build'});
	}

	loaded ??= JSON.parse(readFileSync(file, 'utf8')) as Prototypes;
	return loaded;
}
