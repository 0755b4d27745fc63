/** What codes are chosen for, beside fitting the budget. */

/**
 * What a preference pays, in measured loss, for the time that all products take at least, with the fastest codes. With `speed` a language
 * model may get worse by 0.0001 nats for each percent of that time saved; outputs of other models, whose loss is half their squared error
 * relative to them, by a quarter of that.
 */
export const prices = {quality: {language: 0, outputs: 0}, speed: {language: 0.01, outputs: 0.0025}} as const;

export type Preference = keyof typeof prices;

export const preferences = Object.keys(prices) as readonly Preference[];
