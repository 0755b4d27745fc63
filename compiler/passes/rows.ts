/** Ranges of the rows of a constant, as constants of their own. */
import type {Constant} from '../graph/tensor.js';

/** @param ends Of the ranges, in order; the first begins at row 0. */
export function cutRows(constant: Constant, ends: readonly number[]): Constant[] {
	const read = shared(constant);
	return ends.map((end, index) => sliceRows({...constant, read}, ends[index - 1] ?? 0, end));
}

/** Reading may mean to rotate: ranges that are read one after the other share what was read, while something still holds it. */
function shared({read}: Constant): Constant['read'] {
	let held: WeakRef<ReturnType<Constant['read']>> | undefined;
	return () => {
		const values = held?.deref() ?? read();
		held = new WeakRef(values);
		return values;
	};
}

function sliceRows({dtype, dims: [, ...inner], identity, read}: Constant, first: number, end: number): Constant {
	const size = inner.reduce((product, dim) => product * dim, 1);
	return {
		dtype,
		dims: [end - first, ...inner],
		...(identity === undefined ? {} : {identity: `rows(${identity}, ${first}, ${end})`}),
		read: () => read().slice(first * size, end * size),
	};
}
