/** Reads source text, roughly: what it imports, and which names its strings can spell. */

/** Specifiers of static, dynamic and type imports and of re-exports, in order. */
export const importsOf = (text: string): string[] =>
	[...text.matchAll(/^\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm)].map(
		match => (match[1] ?? match[2] ?? match[3])!,
	);

/** Patterns of the identifiers that string and template literals can spell; a placeholder stands for any part of a name. */
export function stringPatterns(text: string): RegExp[] {
	const literals = [...text.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(match => match[1] ?? match[2]!);
	return literals
		.map(literal => literal.replaceAll(/\$\{[^}]*\}/g, '*'))
		.filter(literal => /^[\w*]+$/.test(literal) && /[a-z]{2}/.test(literal))
		.map(literal => new RegExp(`^${literal.replaceAll('*', '\\w+')}$`));
}
