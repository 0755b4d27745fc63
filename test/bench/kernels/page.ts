/** The script of the page that measures kernels: fetches them, and the parts of a weight for each case. */
import type {KernelCase} from './case.js';
import {instantiate, readBandwidth, timeCase, type Variant} from './measure.js';

const fetched = async (url: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** A memory cannot shrink, so each case gets its own; the module is compiled again for it. */
const kernelBench = {
	bandwidth: async (): Promise<number> => readBandwidth(await fetched('reader.wasm')),
	async time(given: KernelCase, parts: readonly string[]): Promise<Record<Variant, number>> {
		const bytes = await Promise.all(parts.map(fetched));
		const time = async (variant: Variant): Promise<number> => timeCase(instantiate(await fetched(`${variant}.wasm`)), given, bytes);
		// In turns, so that both see the same machine.
		const least = {plain: Infinity, relaxed: Infinity};
		for (const variant of ['plain', 'relaxed', 'relaxed', 'plain'] as const) {
			least[variant] = Math.min(least[variant], await time(variant));
		}

		return least;
	},
};

Object.assign(globalThis, {kernelBench});
