/**
 * Weights of a model trained without them as sums of atoms that layers share: matrix PCA for each projection (MASA, arXiv 2508.04581,
 * section on pretrained models), the atoms encoded by `planes` on the mean of their layers' statistics. What cannot be shared is encoded alone.
 */
import {openWeight, type GraphWeight} from '../../../compiler/allocate/weights.js';
import {createFeedback} from '../../../compiler/calibrate/factor.js';
import type {Calibration, Statistics} from '../../../compiler/calibrate/statistics.js';
import {bytesOfLayout, type Weight} from '../../../compiler/codecs/codec.js';
import {planes} from '../../../compiler/codecs/planes.js';
import {dot} from '../../../compiler/numeric/dot.js';

export type Shared = {readonly bytes: number; readonly atoms: number; /** By weight, row-major. */ readonly values: ReadonlyMap<string, Float32Array>};

/** The same projection of all layers: equal shapes, and names that differ in their numbers. */
export function projections(weights: readonly GraphWeight[]): GraphWeight[][] {
	const groups = new Map<string, GraphWeight[]>();
	for (const weight of weights) {
		const key = `${weight.name.replaceAll(/\d+/g, '#')} ${weight.rows} ${weight.columns}`;
		groups.set(key, [...(groups.get(key) ?? []), weight]);
	}

	return [...groups.values()];
}

/** @param share Atoms for each layer. @param bits Of the codes. */
export function shareAtoms(weights: readonly GraphWeight[], calibration: Calibration, share: number, bits: number): Shared {
	const values = new Map<string, Float32Array>();
	const parameters = {bits, group: 64};
	let [bytes, atoms] = [0, 0];
	const code = (weight: Weight, statistics: Statistics | undefined): Float32Array => {
		const opened = {...weight, ...(statistics && {feedback: createFeedback(statistics, weight.columns)})};
		bytes += bytesOfLayout(planes.layout(weight, parameters));
		return planes.decode(planes.encode(opened, parameters), weight, parameters, 0, weight.rows);
	};

	for (const layers of projections(weights)) {
		if (layers.length === 1) {
			values.set(layers[0]!.name, code(openWeight(layers[0]!), calibration.get(layers[0]!.name)));
			continue;
		}

		const {rows, columns} = layers[0]!;
		const sources = layers.map(layer => openWeight(layer).read(0, rows));
		const {vectors} = eigen(sources.map(a => sources.map(b => dot(a, b))));
		const count = Math.max(1, Math.round(share * layers.length));
		const sums = layers.map(() => new Float32Array(rows * columns));
		for (const vector of vectors.slice(0, count)) {
			// An atom in directions of unit length needs no eigenvalue: W ≈ Σ q (qᵀ W).
			const atom = new Float32Array(rows * columns);
			for (const [layer, source] of sources.entries()) {
				add(atom, source, vector[layer]!);
			}

			const statistics = mix(
				layers.map(({name}) => calibration.get(name)),
				vector,
			);
			const coded = code({name: layers[0]!.name, rows, columns, read: (first, n) => atom.subarray(first * columns, (first + n) * columns)}, statistics);
			for (const [layer, sum] of sums.entries()) {
				add(sum, coded, vector[layer]!);
			}
		}

		atoms += count;
		bytes += 4 * count * layers.length;
		for (const [layer, {name}] of layers.entries()) {
			values.set(name, sums[layer]!);
		}
	}

	return {bytes, atoms, values};
}

/** What an error of an atom meets: the inputs of all layers, by the squares of their coefficients. */
function mix(statistics: ReadonlyArray<Statistics | undefined>, vector: readonly number[]): Statistics | undefined {
	const [first] = statistics;
	if (!first || statistics.some(one => !one)) {
		return undefined;
	}

	const gram = new Float32Array(first.gram.length);
	for (const [layer, one] of statistics.entries()) {
		add(gram, one!.gram, vector[layer]! ** 2);
	}

	return {sampleSize: first.sampleSize, gram};
}

function add(to: Float32Array, from: Float32Array, factor: number): void {
	for (const [index, value] of from.entries()) {
		to[index]! += factor * value;
	}
}

/** Eigenvectors of a small symmetric matrix, those of the largest eigenvalues first, by Jacobi's rotations. */
export function eigen(matrix: ReadonlyArray<readonly number[]>): {readonly values: number[]; readonly vectors: number[][]} {
	const n = matrix.length;
	const a = matrix.map(row => [...row]);
	const v = matrix.map((_, i) => matrix.map((_row, j) => Number(i === j)));
	for (let sweep = 0; sweep < 30; sweep++) {
		for (let p = 0; p < n; p++) {
			for (let q = p + 1; q < n; q++) {
				const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
				const [c, s] = [Math.cos(angle), Math.sin(angle)];
				for (let k = 0; k < n; k++) {
					[a[k]![p], a[k]![q]] = [c * a[k]![p]! - s * a[k]![q]!, s * a[k]![p]! + c * a[k]![q]!];
				}

				for (let k = 0; k < n; k++) {
					[a[p]![k], a[q]![k]] = [c * a[p]![k]! - s * a[q]![k]!, s * a[p]![k]! + c * a[q]![k]!];
					[v[p]![k], v[q]![k]] = [c * v[p]![k]! - s * v[q]![k]!, s * v[p]![k]! + c * v[q]![k]!];
				}
			}
		}
	}

	const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
	return {values: order.map(i => a[i]![i]!), vectors: order.map(i => v[i]!)};
}
