/** Reads source text, roughly: what it imports, and which names its strings can spell. */

/** Specifiers of static, dynamic and type imports and of re-exports, in order. */
export const importsOf = (text: string): string[] =>
	[...text.matchAll(/^\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm)]
		.map(match => (match[1] ?? match[2] ?? match[3])!)
		// What a template literal composes is no import of this file.
		.filter(specifier => !specifier.includes('$'));

/**
 * Patterns of the identifiers that string and template literals can spell. A placeholder stands for any part of a name, or, in a
 * template that says little by itself (`${kernel}_f32`), for another string of the same file.
 */
export function stringPatterns(text: string): RegExp[] {
	const literals = [...text.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)]
		.map(match => (match[1] ?? match[2]!).replaceAll(/\$\{[^}]*\}/g, '*'))
		.filter(literal => /^[\w*]+$/.test(literal));
	const plain = literals.filter(literal => /^[a-z]\w+$/.test(literal));
	return literals
		.filter(literal => /[a-z]/.test(literal))
		.map(literal => new RegExp(`^${literal.replaceAll('*', /[a-z]{2}/.test(literal) ? '\\w+' : `(?:${plain.join('|') || '$.'})`)}$`));
}
