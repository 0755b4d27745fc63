/** A kernel call to be measured: plain values, so that a page can be asked; the weight's parts come beside it. */
import {formBytes} from '../../../compiler/codecs/codec.js';
import {codecs} from '../../../compiler/codecs/index.js';
import type {Parameter} from '../../../compiler/plan/prototypes.js';
import {readPrototypes} from '../../../compiler/plan/prototypes.js';
import {normal, weightOf} from '../../codecs/harness.js';

export type KernelCase = {
	readonly kernel: string;
	/** The code whose weight it reads, as 'planes bits=4 group=64'. */
	readonly code: string;
	readonly parameters: readonly Parameter[];
	/** Values by parameter name. */
	readonly numbers: Readonly<Record<string, number>>;
	/** Bytes of what it writes or is handed, by parameter name: y, x, scratch, ids, out. */
	readonly buffers: Readonly<Record<string, number>>;
	/** Makes `x` of f32 vectors first. */
	readonly form?: {readonly kernel: string; readonly parameters: readonly Parameter[]};
	/** Bytes that a call reads: weight and input. */
	readonly bytesRead: number;
	/** Multiplications and additions of the product that it computes; 0 for one that computes none. */
	readonly products: number;
};

/** Cases that read one weight, whose parts are encoded once. */
export type CaseGroup = {readonly cases: readonly KernelCase[]; readonly parts: readonly Uint8Array[]};

export const shape = {rows: 1024, columns: 2048} as const;
export const tokens = 64;

const {rows, columns} = shape;

/** Groups whose cases' names hold the filter. */
export function* caseGroups(filter: string): Generator<CaseGroup> {
	const prototypes = readPrototypes();
	const weight = weightOf(normal(rows * columns, 1, 0.05), shape);
	const seen = new Set<string>();
	for (const codec of codecs.values()) {
		for (const parameters of codec.options(shape)) {
			// Each block and rank costs the same again.
			if (codec.id === 'bitstack' && (parameters['bits'] !== 2 || parameters['rank'] === 16)) {
				continue;
			}

			const {form, matvec, tile, row} = codec.kernels(parameters);
			const code = [codec.id, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)].join(' ');
			const make = (kernel: string, rest: Omit<KernelCase, 'kernel' | 'code' | 'parameters' | 'form'>, formKernel?: string): KernelCase => ({
				kernel,
				code,
				parameters: prototypes[kernel]!.parameters,
				...rest,
				...(formKernel !== undefined && {form: {kernel: formKernel, parameters: prototypes[formKernel]!.parameters}}),
			});
			const weightBytes = codec.layout(shape, parameters).reduce((sum, {bytes}) => sum + bytes, 0);
			const wide = tokens * tile.form.bytes(columns);
			const forms = [form, tile.form].flatMap(made =>
				made.kernel === undefined || seen.has(made.kernel)
					? []
					: [
							make(made.kernel, {
								numbers: {tokens, columns},
								buffers: {out: formBytes(made, tokens, columns) as number, x: 4 * tokens * columns},
								bytesRead: 4 * tokens * columns,
								products: 0,
							}),
						],
			);
			for (const {kernel} of forms) {
				seen.add(kernel);
			}

			const all = [
				...forms,
				make(
					matvec.kernel,
					{
						numbers: {rows, columns, tokens: 1, ...matvec.numbers},
						buffers: {y: 4 * rows, x: form.bytes(columns), ...(matvec.scratch && {scratch: matvec.scratch(shape)})},
						bytesRead: weightBytes + form.bytes(columns),
						products: rows * columns,
					},
					form.kernel,
				),
				make(
					tile.kernel,
					{
						numbers: {rows, columns, tokens, bias: 0, ...tile.numbers},
						buffers: {y: 4 * tokens * rows, x: formBytes(tile.form, tokens, columns) as number, scratch: Math.max(256, tile.scratch(shape))},
						bytesRead: weightBytes + wide,
						products: tokens * rows * columns,
					},
					tile.form.kernel,
				),
				make(row.kernel, {
					numbers: {count: tokens, rows, columns, ...row.numbers},
					buffers: {y: 4 * tokens * columns, ids: 8 * tokens},
					bytesRead: (weightBytes / rows) * tokens,
					products: 0,
				}),
			];
			const cases = all.filter(({kernel}, index) => kernel.includes(filter) && all.findIndex(other => other.kernel === kernel) === index);
			if (cases.length > 0) {
				yield {cases, parts: codec.encode(weight, parameters)};
			}
		}
	}
}
