/** Unique names: what import adds (constants, inlined bodies) must not meet a name of the file. */

export type Names = {
	/** `base` where it is free, else with the first number that is; taken from then on. */
	fresh(base: string): string;
	take(name: string): void;
};

export function createNames(taken: Iterable<string> = []): Names {
	const used = new Set(taken);
	const next = new Map<string, number>();
	return {
		take(name) {
			used.add(name);
		},
		fresh(base) {
			let name = base;
			let count = next.get(base) ?? 1;
			while (name === '' || used.has(name)) {
				name = `${base}_${count++}`;
			}

			next.set(base, count);
			used.add(name);
			return name;
		},
	};
}
