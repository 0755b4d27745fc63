/** Which code for which weight: the options of the codecs, their bytes, losses and times, and the choice under a budget. */
import type {Calibration, Sensitivities} from '../calibrate/statistics.js';
import {bytesOfLayout, type Parameters} from '../codecs/codec.js';
import {codecs} from '../codecs/index.js';
import {SnugError} from '../error.js';
import {choose} from './choose.js';
import {DEFAULT_PREFERENCE, prices, type Preference} from './preference.js';
import {weightData, type Choice} from '../jobs/job.js';
import {mapInOrder, type Pool} from '../jobs/pool.js';
import {openWeight, type GraphWeight} from './weights.js';

export type Option = {
	readonly codec: string;
	readonly parameters: Parameters;
	readonly bytes: number;
	readonly loss: number;
	/** Predicted picoseconds of its products for each token, one thread. */
	readonly time: number;
	/** What the choice makes small: the loss, and the time at its price. */
	readonly cost: number;
};

export type Candidates = ReadonlyArray<{readonly weight: GraphWeight; readonly options: readonly Option[]}>;

export type AllocateOptions = {
	/** Ids of codecs; unless given, all that need not be named. */
	readonly codecs?: readonly string[];
	/** Only options of so many bits. */
	readonly bits?: number;
	/** What time counts beside losses that are measured; DEFAULT_PREFERENCE unless given. */
	readonly prefer?: Preference;
	/** Whether products see one vector at a time, as where a state makes a model go on token by token. */
	readonly stepwise?: boolean;
	/** Statistics of the weights' inputs: errors are then counted by what they do to outputs. */
	readonly calibration?: Calibration | undefined;
	/** What a unit of such an error costs the model. */
	readonly sensitivities?: Sensitivities | undefined;
	/** Names of the weights whose outputs are logits. */
	readonly logits?: ReadonlySet<string> | undefined;
	readonly signal?: AbortSignal;
	onProgress?(done: number, total: number): void;
};

/** For matrices that everything passes through. */
const [GUARDED_CODECS, GUARDED_BITS] = [['scalar', 'dense'], 8] as const;

const guardedCodecs = (wanted: readonly string[]): readonly string[] => {
	const named = GUARDED_CODECS.filter(id => wanted.includes(id));
	return named.length > 0 ? named : GUARDED_CODECS;
};

/**
 * Loss: where there is a calibration, the squared error of the weight's outputs times the sensitivity of the model to it; else the squared
 * error relative to the weight's own energy, times the number of weights, so that every weight counts alike.
 */
export async function findOptions(weights: readonly GraphWeight[], options: AllocateOptions, pool: Pool): Promise<Candidates> {
	// Time is weighed against losses that are measured, and no others.
	const isTimed = options.sensitivities !== undefined;
	const takesSlow = isTimed || options.prefer === 'quality';
	const wanted = options.codecs ?? [...codecs.values()].filter(({byName}) => !byName || (byName === 'unless timed' && takesSlow)).map(({id}) => id);
	for (const id of wanted) {
		if (!codecs.has(id)) {
			throw new SnugError('unknown-codec', {subject: `codec '${id}'`, problem: 'there is none of that name', expected: [...codecs.keys()].join(', ')});
		}
	}

	let done = 0;
	options.onProgress?.(0, weights.length);
	const found = await mapInOrder(weights, pool.width, async weight => {
		options.signal?.throwIfAborted();
		const choices = choicesFor(weight, wanted, options.bits);
		const data = weightData(openWeight(weight), options.calibration?.get(weight.name));
		const {energy, errors} = await pool.run({kind: 'measure', weight: data, options: choices}, options.signal);
		requireComparable(weight, errors);
		const factor = options.sensitivities?.get(weight.name) ?? (weight.rows * weight.columns) / energy;
		const isLogits = options.sensitivities !== undefined && options.logits?.has(weight.name) === true;
		options.onProgress?.(++done, weights.length);
		return {
			weight,
			options: choices.map(({codec, parameters}, index) => ({
				codec,
				parameters,
				bytes: bytesOfLayout(codecs.get(codec)!.layout(weight, parameters)),
				loss: factor * errors[index]! * (isLogits ? excessOf(factor, errors[index]! / weight.rows, weight.rows) : 1),
				time: timeOf(weight, codec, parameters, options.stepwise === true),
			})),
		};
	});
	const least = found.reduce((sum, {options}) => sum + Math.min(...options.map(({time}) => time)), 0);
	const price = isTimed && least > 0 ? prices[options.prefer ?? DEFAULT_PREFERENCE][options.stepwise ? 'language' : 'outputs'] / least : 0;
	return found.map(({weight, options}) => ({weight, options: options.map(option => ({...option, cost: option.loss + price * option.time}))}));
}

/**
 * How much more large errors of logits cost than small ones foretell, where the logits are of tokens that hardly come: exponentials of
 * errors grow faster than their squares. With errors of variance v in logits whose tokens have the probability P together, the
 * divergence is log(1 + P (exp(v/2) − 1)), and P v/2 while v is small, which is what sensitivities are measured with. (Bands of a vocabulary
 * of bytes in one bit cost books-3m 0.13 nats; foretold were 0.00003.)
 *
 * @param sensitivity To the sum of the variances of all `rows` logits.
 */
function excessOf(sensitivity: number, variance: number, rows: number): number {
	const [half, probability] = [variance / 2, Math.min(1, 2 * sensitivity * rows)];
	if (!(half * probability > 0)) {
		return 1;
	}

	const divergence = half < LARGE ? Math.log1p(probability * Math.expm1(half)) : Math.max(0, half + Math.log(probability));
	return Math.max(1, divergence / (probability * half));
}

/** Of halves of variances: the 1 is nothing beside their exponentials, which would overflow. */
const LARGE = 100;

/** A table of which only rows are read takes no time worth counting. */
function timeOf({rows, columns, products}: GraphWeight, codec: string, parameters: Parameters, stepwise: boolean): number {
	const {matvec, tile} = codecs.get(codec)!.kernels(parameters);
	return products * rows * columns * (stepwise ? matvec : tile).time;
}

function requireComparable({name}: GraphWeight, errors: readonly number[]): void {
	if (!errors.every(Number.isFinite)) {
		throw new SnugError('weight-not-finite', {
			subject: `weight '${name}'`,
			problem: 'loses what cannot be compared when it is encoded',
			expected: 'finite errors',
			found: `${errors.find(error => !Number.isFinite(error))}`,
			hint: 'use the codec dense with float32',
		});
	}
}

function choicesFor(weight: GraphWeight, wanted: readonly string[], bits: number | undefined): Choice[] {
	const guarded = weight.constant.guarded === true && !(bits! >= GUARDED_BITS);
	const fits = (parameters: Parameters): boolean => (guarded ? bitsOf(parameters)! >= GUARDED_BITS : bits === undefined || bitsOf(parameters) === bits);
	const list = (guarded ? guardedCodecs(wanted) : wanted).flatMap(codec =>
		codecs
			.get(codec)!
			.options(weight)
			.filter(fits)
			.map(parameters => ({codec, parameters})),
	);
	if (list.length === 0) {
		throw new SnugError('no-option', {
			subject: `weight '${weight.name}' [${weight.rows}, ${weight.columns}]`,
			problem: `no code of ${wanted.join(', ')} fits it${bits === undefined ? '' : ` with ${bits} bits`}`,
			hint: 'name more codecs with --codecs, or other --bits',
		});
	}

	return list;
}

const TYPE_BITS: Readonly<Record<string, number>> = {float32: 32, float16: 16, f32: 32, f16: 16};

const bitsOf = (parameters: Parameters): number | undefined =>
	typeof parameters['bits'] === 'number' ? parameters['bits'] : TYPE_BITS[String(parameters['type'] ?? parameters['dtype'])];

/** How long a choice may take: so many times as long as one of codecs that are not slow. @param candidates With all codecs, whichever are chosen from. */
export type Patience = {readonly times: number; readonly candidates: Candidates};

/** @returns the chosen option of each candidate, or undefined when even the smallest do not fit. */
export function allocate(candidates: Candidates, budget: number, patience?: Patience): Option[] | undefined {
	const best = allocateAt(candidates, budget, 0);
	if (!best || patience === undefined || patience.times === Infinity || !best.some(isSlow)) {
		return best;
	}

	const most = patience.times * timeWithoutSlow(patience.candidates, budget);
	if (timeOfAll(best) <= most) {
		return best;
	}

	// The least price of time, for a picosecond a token, at which this holds; nothing else counts where none is high enough.
	let [low, high] = [0, DEAR / timeOfAll(best)];
	const useful = candidates.map(({weight, options}) => ({weight, options: undominated(options)}));
	let chosen = allocateAt(useful, budget, high)!;
	for (let step = 0; step < PRICE_STEPS; step++) {
		// By ratios: prices differ by orders of magnitude.
		const price = low === 0 ? high / 16 : Math.sqrt(low * high);
		const found = allocateAt(useful, budget, price)!;
		if (timeOfAll(found) <= most) {
			[high, chosen] = [price, found];
		} else {
			low = price;
		}
	}

	return chosen;
}

/** Of a choice without slow codecs in these bytes; where they are too few, of the fastest that fits. */
function timeWithoutSlow(candidates: Candidates, budget: number): number {
	const others = candidates.map(({weight, options}) => {
		const fast = options.filter(option => !isSlow(option));
		return {weight, options: fast.length > 0 ? fast : options};
	});
	const chosen = allocateAt(others, budget, 0);
	return chosen ? timeOfAll(chosen) : timeOfAll(allocateAt(candidates, budget, DEAR)!);
}

/** Without those that another is as good as in everything: no price makes them the best. */
const undominated = (options: readonly Option[]): readonly Option[] =>
	options.filter(
		(one, index) =>
			!options.some((other, place) => {
				const differences = [one.bytes - other.bytes, one.cost - other.cost, one.time - other.time];
				return place !== index && differences.every(difference => difference >= 0) && (place < index || differences.some(difference => difference > 0));
			}),
	);

/** A price of time beside which no loss counts. */
const DEAR = 1e12;

const PRICE_STEPS = 40;

const isSlow = ({codec}: Option): boolean => codecs.get(codec)?.byName === 'unless timed';

const timeOfAll = (options: readonly Option[]): number => options.reduce((sum, {time}) => sum + time, 0);

function allocateAt(candidates: Candidates, budget: number, price: number): Option[] | undefined {
	const chosen = choose(
		candidates.map(({options}) => options.map(({bytes, cost, time}) => ({bytes, loss: cost + price * time}))),
		budget,
	);
	return chosen?.map((option, index) => candidates[index]!.options[option]!);
}

export const totalOf = (options: readonly Option[]): {readonly bytes: number; readonly loss: number} => ({
	bytes: options.reduce((sum, {bytes}) => sum + bytes, 0),
	loss: options.reduce((sum, {loss}) => sum + loss, 0),
});

/** What a choice makes small. */
export const costOf = (options: readonly Option[]): number => options.reduce((sum, {cost}) => sum + cost, 0);

/** The option with the fewest bytes of each candidate. */
export const smallest = (candidates: Candidates): Option[] => candidates.map(({options}) => options.reduce((a, b) => (b.bytes < a.bytes ? b : a)));
