/** Looks an op up for a node of the file; an unknown one is refused with the known ops of similar names. */
import {SnugError} from '../error.js';
import type {Op} from '../ops/op.js';

export type OpTable = ReadonlyMap<string, Op>;

/** @param owner The node, for messages. */
export function knownOp(op: string, ops: OpTable, owner: string, domain: string, opset: number): Op {
	const known = ops.get(op);
	if (known) {
		return known;
	}

	const close = similarNames(op, [...ops.keys()]);
	throw new SnugError('unknown-op', {
		subject: owner,
		problem: `the op ${op} is not implemented`,
		found: `domain ${domain || 'ai.onnx'}, opset ${opset}`,
		hint: close.length > 0 ? `similar ops: ${close.join(', ')}` : 'export the model without it',
	});
}

/** At most three names within two edits, or equal but for the domain. */
export function similarNames(name: string, names: readonly string[]): string[] {
	const base = (op: string): string => op.slice(op.lastIndexOf('.') + 1).toLowerCase();
	return names
		.map(other => ({other, distance: base(other) === base(name) ? 0 : editDistance(base(name), base(other))}))
		.filter(({distance}) => distance <= Math.min(2, base(name).length / 3))
		.sort((a, b) => a.distance - b.distance || (a.other < b.other ? -1 : 1))
		.slice(0, 3)
		.map(({other}) => other);
}

function editDistance(a: string, b: string): number {
	let row = Array.from({length: b.length + 1}, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
		}

		row = next;
	}

	return row[b.length]!;
}
