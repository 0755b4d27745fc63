/** How far the outputs of a bundle are from those of the model that it was compiled from, on samples of what they read. */
import type {Model} from 'snug/runtime';
import {bind} from '../runtime-wasm/loader/shape.js';
import {dimEntry} from './bundle/dim-entry.js';
import type {Manifest} from './bundle/format.js';
import {readManifest} from './bundle/read.js';
import {SnugError} from './error.js';
import {createScope, decodedBundle, denseBundle, openModel} from './evaluate-scope.js';
import {float16ToFloat32} from './graph/half.js';
import {cosine, dot} from './numeric/dot.js';
import {readInputs} from './onnx/import.js';
import {readSamples, type Inputs, type Sample} from './samples.js';
import {kindOf} from './source.js';

export type SamplesOptions = {
	/** A .npz, as `samples.ts` says. */
	readonly samples: string;
	/** The ONNX model to compare with. */
	readonly against: string;
	/** Whether weights are decoded first, to run on the f32 kernels. */
	readonly reference: boolean;
	readonly budget?: number | undefined;
	readonly threads?: number | undefined;
	readonly signal?: AbortSignal;
	onProgress?(stage: string, done: number, total: number): void;
};

/** Of the output of one name. */
export type Distance = {
	readonly name: string;
	/** The cosine of the angle between both, a sample's elements being one vector; the mean over samples. */
	readonly cosine: number;
	readonly largestDifference: number;
};

export type SamplesResult = {
	readonly outputs: readonly Distance[];
	readonly samples: number;
	/** That the model holds. */
	readonly bytes: number;
};

/** @param source A bundle's folder, or an ONNX file, which is compiled without loss. */
export async function evaluateSamples(source: string, options: SamplesOptions): Promise<SamplesResult> {
	await using scope = createScope();
	const isBundle = kindOf(source) === 'bundle';
	const samples = readSamples(options.samples, '--samples', isBundle ? inputsOf(source) : openInputs(source));
	const [first] = samples as [Sample];
	const bundle = isBundle ? source : await denseBundle(source, scope, options, dimsOf(source, first));
	const subject = await openModel(options.reference ? await decodedBundle(bundle, scope) : bundle, scope, options);
	// The reference is not held to the budget: it is the model without loss.
	const reference = await openModel(await denseBundle(options.against, scope, options, dimsOf(options.against, first)), scope, {...options, budget: undefined});
	const distances = new Map<string, {cosines: number; largest: number}>();
	for (const [index, sample] of samples.entries()) {
		options.onProgress?.('evaluate', index, samples.length);
		const [expected, actual] = [await outputsOf(reference, sample, options), await outputsOf(subject, sample, options)];
		for (const [name, wanted] of expected) {
			const found = actual.get(name);
			if (found?.length !== wanted.length) {
				throw new SnugError('other-outputs', {
					subject: `output '${name}'`,
					problem: 'cannot be compared',
					expected: `${wanted.length} numbers, as of '${options.against}'`,
					found: found ? `${found.length}` : 'no such output',
					hint: 'compare a bundle with the model that it was compiled from',
				});
			}

			const distance = distances.get(name) ?? {cosines: 0, largest: 0};
			const {cosine, largest} = compare(wanted, found);
			distances.set(name, {cosines: distance.cosines + cosine, largest: largestOf(distance.largest, largest)});
		}
	}

	options.onProgress?.('evaluate', samples.length, samples.length);
	return {
		outputs: [...distances].map(([name, {cosines, largest}]) => ({name, cosine: cosines / samples.length, largestDifference: largest})),
		samples: samples.length,
		bytes: options.reference ? readManifest(bundle).levels.at(-1)!.bytes : subject.info.memory,
	};
}

function inputsOf(bundle: string): Manifest {
	const manifest = readManifest(bundle);
	if (manifest.states.length > 0) {
		throw new SnugError('bad-samples', {
			subject: `bundle '${manifest.name}'`,
			problem: 'holds a state, which arrays say nothing about',
			expected: 'a model without state',
			hint: 'evaluate it on a text, with --text',
		});
	}

	return manifest;
}

/** Of an ONNX file, whatever its dimensions are. */
const openInputs = (file: string): Inputs => ({
	inputs: [...readInputs(file)].map(([name, {dtype, shape}]) => ({name, dtype, shape: shape.map(dimEntry)})),
	symbols: {},
});

/** Dimensions of an ONNX file with which it reads the sample. */
const dimsOf = (file: string, {tensors}: Sample): Record<string, number> =>
	bind(
		openInputs(file).inputs.flatMap(({name, shape}) => (tensors.has(name) ? [{shape, dims: tensors.get(name)!.dims}] : [])),
		{},
	);

async function outputsOf(model: Model, {tensors}: Sample, {signal}: SamplesOptions): Promise<ReadonlyMap<string, Float64Array>> {
	const feeds = Object.fromEntries([...tensors].map(([name, {dtype, dims, data}]) => [name, {type: dtype, data, dims}]));
	const outputs = await model.run(feeds, signal && {signal});
	return new Map(
		Object.entries(outputs).map(([name, {type, data}]) => [
			name,
			Float64Array.from(data as ArrayLike<number>, type === 'float16' ? bits => float16ToFloat32(bits) : Number),
		]),
	);
}

/** Two vectors of nothing are alike. */
function compare(a: Float64Array, b: Float64Array): {readonly cosine: number; readonly largest: number} {
	const largest = a.reduce((most, value, index) => largestOf(most, Math.abs(value - b[index]!)), 0);
	return {cosine: dot(a, a) === 0 && dot(b, b) === 0 ? 1 : cosine(a, b), largest};
}

/** A difference that is no number stays one. */
const largestOf = (a: number, b: number): number => (Number.isNaN(a) || a > b ? a : b);
