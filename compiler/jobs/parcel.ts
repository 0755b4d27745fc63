/** A job as a small message, its arrays in a store: what a machine sends another. */
import {SnugError} from '../error.js';
import type {Choice, Job, WeightData} from './job.js';
import {keyOf, viewOf} from './key.js';
import type {Store} from './store.js';

type Arrays = {readonly values: string; readonly gram?: string; readonly codes?: string; readonly scales?: string; readonly zeros?: string};

/** Plain values; arrays are named by their keys in the store. */
export type Parcel = {
	readonly kind: Job['kind'];
	readonly options: readonly Choice[];
	readonly weight: Pick<WeightData, 'name' | 'rows' | 'columns'>;
	readonly sampleSize?: number;
	readonly quantized?: {readonly bits: number; readonly group: number};
	readonly arrays: Arrays;
};

const ARRAY = 'array';

async function leave(store: Store, array: ArrayBufferView, verify: boolean): Promise<string> {
	const bytes = viewOf(array);
	const key = keyOf([ARRAY, bytes]);
	if (!(verify ? await store.get(key) : await store.has(key))) {
		await store.put(key, {values: {}, arrays: [bytes]});
	}

	return key;
}

/** Leaves the arrays in the store, where they are not there yet. @param verify Whether those that are there are read, and replaced if damaged. */
export async function pack(job: Job, store: Store, {verify = false} = {}): Promise<Parcel> {
	const {name, rows, columns, values, statistics, quantized} = job.weight;
	return {
		kind: job.kind,
		options: job.kind === 'measure' ? job.options : [job.choice],
		weight: {name, rows, columns},
		...(statistics && {sampleSize: statistics.sampleSize}),
		...(quantized && {quantized: {bits: quantized.bits, group: quantized.group}}),
		arrays: {
			values: await leave(store, values, verify),
			...(statistics && {gram: await leave(store, statistics.gram, verify)}),
			...(quantized && {
				codes: await leave(store, quantized.codes, verify),
				scales: await leave(store, quantized.scales, verify),
				zeros: await leave(store, quantized.zeros, verify),
			}),
		},
	};
}

/** @throws SnugError store-incomplete for an array that is not in the store, or damaged. */
export async function unpack({kind, options, weight, sampleSize, quantized, arrays}: Parcel, store: Store): Promise<Job> {
	const fetch = async (what: string, key: string): Promise<Uint8Array> => {
		const entry = await store.get(key);
		if (!entry) {
			throw new SnugError('store-incomplete', {
				subject: `${what} of weight '${weight.name}'`,
				problem: 'not in the store, or damaged',
				expected: `the entry ${key}`,
				hint: 'give all machines the same --store',
			});
		}

		return entry.arrays[0]!;
	};

	const floats = async (what: string, key: string): Promise<Float32Array> => new Float32Array((await fetch(what, key)).buffer as ArrayBuffer);
	const data: WeightData = {
		...weight,
		values: await floats('the values', arrays.values),
		...(sampleSize !== undefined && {statistics: {sampleSize, gram: await floats('the statistics', arrays.gram!)}}),
		...(quantized && {
			quantized: {
				...quantized,
				codes: await fetch('the codes', arrays.codes!),
				scales: await floats('the scales', arrays.scales!),
				zeros: await floats('the zeros', arrays.zeros!),
			},
		}),
	};
	return kind === 'measure' ? {kind, weight: data, options} : {kind, weight: data, choice: options[0]!};
}
