/** Figures as people read them. */

/** Three significant digits in decimal units. */
export function bytes(count: number): string {
	const units = ['B', 'kB', 'MB', 'GB'];
	const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count * 1.0005) / 3));
	const value = count / 1000 ** power;
	return `${power === 0 ? value : value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${units[power]!}`;
}

export const rate = (perSecond: number): string => perSecond.toFixed(perSecond < 9.95 ? 1 : 0);

export const milliseconds = (count: number): string => (count < 1000 ? `${count.toFixed(count < 10 ? 1 : 0)} ms` : `${(count / 1000).toFixed(1)} s`);

export const whole = (count: number): string => count.toLocaleString('en');
