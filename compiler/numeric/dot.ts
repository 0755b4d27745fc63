/** Sums of products, in f64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
	let sum = 0;
	for (let i = 0; i < a.length; i++) {
		sum += a[i]! * b[i]!;
	}

	return sum;
}

/** Of the angle between two vectors; 0 where one of them is nothing. */
export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
