/** Attributes as text, for keys that say whether nodes are the same. */
import type {Node} from './graph.js';

/** Whether attributes are numbers, texts and lists alone: tensors and graphs say nothing of themselves as text. */
export const hasPlainAttributes = ({attributes}: Node): boolean => Object.values(attributes).every(value => typeof value !== 'object' || Array.isArray(value));

export const numberText = (value: number | bigint): string => (Object.is(value, -0) ? '-0' : String(value));

/** For JSON.stringify, which has one word for NaN and the infinities, and one for both zeros. */
export const exactNumbers = (_: string, value: unknown): unknown =>
	typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? {number: numberText(value)} : value;
