/** An op table for tests of import, where only names and `upgrade` count. */
import type {Op} from '../../compiler/ops/op.js';

export const knownOps = (names: readonly string[], upgrades: Readonly<Record<string, NonNullable<Op['upgrade']>>> = {}): ReadonlyMap<string, Op> =>
	new Map(
		[...names, ...Object.keys(upgrades)].map(name => {
			const op: Op = {name, infer: () => [], ...(upgrades[name] && {upgrade: upgrades[name]})};
			return [name, op] as const;
		}),
	);
