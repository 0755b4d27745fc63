/** Functions of one double that JavaScript's Math lacks. */

/** The error function: its Kummer series, whose terms are all positive, so that nothing cancels. DLMF 7.6.2. */
export function erf(x: number): number {
	const a = Math.abs(x);
	if (Number.isNaN(x) || a > 6) {
		return Number.isNaN(x) ? x : Math.sign(x);
	}

	let term = x;
	let sum = x;
	for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
		term *= (2 * x * x) / (2 * n + 1);
		sum += term;
	}

	return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2));

/** Gelu with its Gaussian replaced by a hyperbolic tangent. https://arxiv.org/abs/1606.08415 */
export const geluTanh = (x: number): number => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
