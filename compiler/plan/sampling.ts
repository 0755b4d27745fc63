/** The entry `sample`, which chooses a token from the logits that `head` made; the loader writes options and history before it. */
import {SAMPLING_OPTIONS} from '../bundle/format.js';
import {multiply, symbol, type Dim} from '../graph/dim.js';
import {bytesOf} from '../graph/dtype.js';
import type {ValueType} from '../graph/graph.js';
import type {Argument, Buffer, Entry, KernelCall} from './program.js';

export const SAMPLING = {token: 'sampling:token', options: 'sampling:options', history: 'sampling:history'} as const;

/** What `sample_f32` works with: 1024 f64, 1024 i32 and what is kept of them. */
export const SAMPLING_SCRATCH = 12 * 1024 + 32;

/** @param positions Tokens that the history may hold. */
export function samplingEntry(output: string, {dtype, shape}: ValueType, positions: number, buffers: Map<string, Buffer>): Entry {
	const add = (name: string, bytes: Dim, role: Buffer['role']): void => {
		buffers.set(name, {name, bytes, role});
	};

	add(SAMPLING.token, bytesOf('int32'), 'output');
	add(SAMPLING.options, SAMPLING_OPTIONS * bytesOf('float32'), 'input');
	add(SAMPLING.history, positions * bytesOf('int32'), 'input');
	const vocabulary = shape.at(-1)!;
	const activations = new Map<string, Buffer>();
	const activation = (name: string, bytes: Dim): Argument => {
		activations.set(name, {name, bytes, role: 'activation'});
		return at(name);
	};

	const calls: KernelCall[] = [];
	const call = (kernel: string, parameters: KernelCall['arguments']): void => {
		calls.push({kernel, arguments: parameters, node: 'sampling'});
	};

	const logits = at(`output:${output}`);
	let x = logits;
	if (dtype !== 'float32') {
		x = activation('sampling:logits', multiply(vocabulary, bytesOf('float32')));
		call(`cast_${dtype === 'float16' ? 'f16' : 'bf16'}_f32`, {y: x, x: logits, n: number(vocabulary)});
	}

	call('sample_f32', {
		token: at(SAMPLING.token),
		x,
		options: at(SAMPLING.options),
		history: at(SAMPLING.history),
		scratch: activation('sampling:scratch', SAMPLING_SCRATCH),
		count: number(symbol('count')),
		n: number(vocabulary),
	});
	return {name: 'sample', symbols: ['count'], calls, buffers: activations};
}

const at = (buffer: string): Argument => ({kind: 'buffer', buffer, offset: 0});

const number = (value: Dim): Argument => ({kind: 'number', value});
