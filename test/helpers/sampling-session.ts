/** The loader's side of sampling on the kernel alone: a session whose logits a test writes. */
import {readFileSync} from 'node:fs';
import {SAMPLING_OPTIONS} from '../../compiler/bundle/format.js';
import {instantiateKernels} from '../../compiler/numeric/kernels.js';
import {SAMPLING_SCRATCH} from '../../compiler/plan/sampling.js';
import type {Session} from '../../runtime-wasm/loader/session.js';

const run = instantiateKernels(readFileSync(new URL('../../dist/kernels/plain.wasm', import.meta.url)));

export type SamplingSession = {
	readonly session: Session;
	/** Written before each choice, which overwrites them by weights. */
	readonly logits: Float32Array;
};

export function samplingSession(vocabulary: number): SamplingSession {
	const [token, x, options, history, scratch] = run.layOut(4, 4 * vocabulary, 4 * SAMPLING_OPTIONS, 4 * vocabulary, SAMPLING_SCRATCH) as [
		number,
		number,
		number,
		number,
		number,
	];
	const {memory} = run;
	const session = {
		memory,
		bundle: {generation: {sampling: {token, options, history}}},
		call(_entry: string, {count}: Readonly<Record<string, number>>) {
			run.call('sample_f32', token, x, options, history, scratch, count!, vocabulary);
		},
	} as unknown as Session;
	return {session, logits: new Float32Array(memory.buffer, x, vocabulary)};
}
