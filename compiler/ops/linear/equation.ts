/**
 * Equations of Einsum: `ij,jk->ik`, with `...` for further axes, repeated labels for diagonals, and an implicit output of the labels that
 * occur once, in alphabetic order. https://onnx.ai/onnx/operators/onnx__Einsum.html
 */
import {add, equal, keyOf, type Dim} from '../../graph/dim.js';
import type {Fail} from './batch.js';
import {rowMajor} from '../../graph/shape.js';

/** An operand as the stride of each label, in elements; a label that it lacks is not there. */
export type Labelled = {readonly labels: readonly string[]; readonly strides: ReadonlyMap<string, Dim>};

export type Equation = {
	readonly operands: readonly Labelled[];
	/** Labels of the result, in order. */
	readonly output: readonly string[];
	readonly sizes: ReadonlyMap<string, Dim>;
};

/** Labels of one term; the axes of `...` are labelled .0 (the last), .1, and so on. */
function labelsOf(term: string, rank: number, equation: string, fail: Fail): string[] {
	const [before, after, ...more] = term.split('...');
	const named = term.replaceAll('.', '').length;
	if (!/^[A-Za-z]*(\.\.\.[A-Za-z]*)?$/.test(term) || more.length > 0 || (after === undefined ? named !== rank : named > rank)) {
		return fail('the equation does not fit the inputs', {expected: `a term for ${rank} axes`, found: `'${term}' in '${equation}'`});
	}

	const hidden = Array.from({length: rank - named}, (_, index) => `.${rank - named - 1 - index}`);
	return [...Array.from(before!), ...hidden, ...Array.from(after ?? '')];
}

export function parseEquation(source: string, shapes: ReadonlyArray<readonly Dim[]>, fail: Fail): Equation {
	const [left, right, ...more] = source.replaceAll(' ', '').split('->');
	const terms = left!.split(',');
	if (more.length > 0 || terms.length !== shapes.length) {
		return fail('the equation does not fit the inputs', {expected: `${shapes.length} terms`, found: `'${source}'`});
	}

	const sizes = new Map<string, Dim>();
	const labelled = terms.map((term, index) => labelsOf(term, shapes[index]!.length, source, fail));
	for (const [index, labels] of labelled.entries()) {
		for (const [axis, label] of labels.entries()) {
			const size = shapes[index]![axis]!;
			const known = sizes.get(label) ?? size;
			if (!equal(known, size) && !(label.startsWith('.') && (known === 1 || size === 1))) {
				fail(`the sizes of '${label}' differ`, {expected: keyOf(known), found: keyOf(size)});
			}

			sizes.set(label, known === 1 ? size : known);
		}
	}

	const operands = labelled.map((labels, index) => strided(labels, shapes[index]!, sizes));
	return {operands, output: outputLabels(right, labelled, sizes, source, fail), sizes};
}

function outputLabels(
	term: string | undefined,
	labelled: ReadonlyArray<readonly string[]>,
	sizes: ReadonlyMap<string, Dim>,
	source: string,
	fail: Fail,
): string[] {
	const hidden = [...sizes.keys()].filter(label => label.startsWith('.')).sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
	if (term === undefined) {
		const all = labelled.flat();
		const once = [...sizes.keys()].filter(label => !label.startsWith('.') && all.filter(other => other === label).length === 1).sort();
		return [...hidden, ...once];
	}

	const output = labelsOf(term, term.includes('...') ? term.replaceAll('.', '').length + hidden.length : term.length, source, fail);
	const odd = output.find((label, index) => !sizes.has(label) || output.indexOf(label) !== index);
	return odd === undefined ? output : fail(`the label '${odd}' of the result must occur in an input, and once in the result`, {found: `'${source}'`});
}

/** A repeated label walks the diagonal: its strides add up. Axes of 1 that broadcast do not move. */
function strided(labels: readonly string[], shape: readonly Dim[], sizes: ReadonlyMap<string, Dim>): Labelled {
	const own = rowMajor(shape);
	const strides = new Map<string, Dim>();
	for (const [axis, label] of labels.entries()) {
		const stride = shape[axis] === 1 && sizes.get(label) !== 1 ? 0 : own[axis]!;
		const before = strides.get(label);
		strides.set(label, before === undefined ? stride : add(before, stride));
	}

	return {labels: [...strides.keys()], strides};
}

/** A contiguous value with these labels. */
export const contiguous = (labels: readonly string[], sizes: ReadonlyMap<string, Dim>): Labelled =>
	strided(
		labels,
		labels.map(label => sizes.get(label)!),
		sizes,
	);
