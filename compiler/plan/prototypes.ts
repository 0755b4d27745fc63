/** The C prototypes of the built kernels: names, order and kinds of parameters. `const` pointers are read, others written. */
import {readFileSync} from 'node:fs';
import {kernelFile} from '../built-files.js';

export type Parameter = {readonly name: string; readonly type: 'i32' | 'f32' | 'read' | 'write'};

export type Prototype = {readonly parameters: readonly Parameter[]};

export type Prototypes = Readonly<Record<string, Prototype>>;

/** The last parameters of a kernel that all threads call; whoever calls it supplies them, so no call of a program names them. */
export const THREAD_PARAMETERS = ['thread', 'threads'] as const;

export const isThreaded = ({parameters}: Prototype): boolean =>
	parameters.length >= 2 && THREAD_PARAMETERS.every((name, index) => parameters.at(index - 2)!.name === name);

/** The parameters that a call of a program names. */
export const namedParameters = (prototype: Prototype): readonly Parameter[] =>
	isThreaded(prototype) ? prototype.parameters.slice(0, -2) : prototype.parameters;

let loaded: Prototypes | undefined;

export function readPrototypes(): Prototypes {
	loaded ??= JSON.parse(readFileSync(kernelFile('prototypes.json'), 'utf8')) as Prototypes;
	return loaded;
}
