/** What codes are chosen for, beside fitting the budget. */

/**
 * What a preference pays, in measured loss, for the time that all products take at least, with the fastest codes: only `speed` pays. A
 * language model may get worse by 0.0001 nats for each percent of that time saved; outputs of other models, whose loss is half their squared
 * error relative to them, by a quarter of that.
 */
export const prices = {quality: {language: 0, outputs: 0}, balanced: {language: 0, outputs: 0}, speed: {language: 0.01, outputs: 0.0025}} as const;

export type Preference = keyof typeof prices;

export const preferences = Object.keys(prices) as readonly Preference[];

/** Where nothing is said. */
export const DEFAULT_PREFERENCE: Preference = 'balanced';

/** How many times as long products may take for the sake of slow codes as with the others in as many bytes. */
export const patience: Readonly<Record<Preference, number>> = {quality: Infinity, balanced: 1.5, speed: 1};
