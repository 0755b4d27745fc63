/** What names a result: a hash of all that decides it, the code that computes it included. */
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {kernelFile, workerFile} from '../built-files.js';
import {version} from '../version.js';
import type {Job, WeightData} from './job.js';

/** Raised when the meaning of entries changes, or what calibration computes: the hash of the code holds the rest. */
const FORMAT = '12';

const SLICE = 1 << 30;

let code: string | undefined;

/** Of all code that computes results. */
export function codeHash(): string {
	code ??= createHash('sha256')
		.update(`${FORMAT} ${version} `)
		.update(readFileSync(kernelFile('plain.wasm')))
		.update(readFileSync(workerFile('job-worker.js')))
		.digest('hex');
	return code;
}

/** @param content What decides the result, beside the code. */
export function keyOf(content: Iterable<string | Uint8Array>): string {
	const hash = createHash('sha256').update(codeHash());
	for (const part of content) {
		hash.update(`${part.length} `);
		// A hash takes less than 2 GiB at once.
		for (let at = 0; at < part.length; at += SLICE) {
			hash.update(part.slice(at, at + SLICE));
		}
	}

	return hash.digest('hex');
}

const keys = new WeakMap<Job, string>();

/** The weight is hashed once, however often the same job is asked for. */
export function jobKey(job: Job): string {
	const key = keys.get(job) ?? keyOf([job.kind, JSON.stringify(job.kind === 'measure' ? job.options : job.choice), ...bytesOfWeight(job.weight)]);
	keys.set(job, key);
	return key;
}

export const viewOf = ({buffer, byteOffset, byteLength}: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** All that a job reads of a weight; its name is no part of it. */
function bytesOfWeight({rows, columns, values, statistics, quantized}: WeightData): Array<string | Uint8Array> {
	return [
		`${rows} ${columns}`,
		viewOf(values),
		...(statistics ? [`${statistics.sampleSize}`, viewOf(statistics.gram)] : []),
		...(quantized ? [`${quantized.bits} ${quantized.group}`, quantized.codes, viewOf(quantized.scales), viewOf(quantized.zeros)] : []),
	];
}
