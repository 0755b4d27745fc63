/** What a calibration knows, by the name of the weight. */

export type Statistics = {
	/** Vectors that the matrix is as good as, for as far as chance in it goes; see `sample-size.ts`. */
	readonly sampleSize: number;
	/** The mean of x xᵀ over the inputs x of the products with the weight: [columns, columns], row-major. */
	readonly gram: Float32Array;
};

/** Tables that are only looked up have none. */
export type Calibration = ReadonlyMap<string, Statistics>;

/** Loss for each unit of Σ d H dᵀ over the rows d of a weight's error; of Σ d dᵀ for a table that is only looked up. */
export type Sensitivities = ReadonlyMap<string, number>;
