/** The attributes of `snug.Attention`, with their defaults. */
export type AttentionAttributes = {
	readonly heads: number;
	readonly kv_heads: number;
	readonly scale: number;
	readonly causal: number;
	readonly window: number;
	readonly softcap: number;
};

export function attentionAttributes(attributes: Readonly<Record<string, unknown>>): AttentionAttributes {
	const number = (name: string, fallback: number): number => (attributes[name] as number | undefined) ?? fallback;
	return {
		heads: number('heads', 1),
		kv_heads: number('kv_heads', number('heads', 1)),
		scale: number('scale', 1),
		causal: number('causal', 0),
		window: number('window', 0),
		softcap: number('softcap', 0),
	};
}
