/** Curves over logarithmic axes as SVG. */
import {escape} from './markup.js';

export type ChartPoint = {readonly x: number; readonly y: number};

export type Chart = {
	/** What a reader who does not see it is told. */
	readonly label: string;
	readonly x: {readonly title: string; format(value: number): string};
	readonly y: {readonly title: string; format(value: number): string};
	/** Those with a name are listed in a legend. */
	readonly curves: ReadonlyArray<{readonly name?: string; readonly points: readonly ChartPoint[]}>;
	/** Points with a name beside them. */
	readonly marks?: ReadonlyArray<ChartPoint & {readonly name: string}>;
};

/** Of a page that has no colors of its own. */
const colors = [
	'var(--a, #1d6b59)',
	'var(--b, #b3812c)',
	'var(--c, #5a6fa8)',
	'var(--d, #a0563a)',
	'var(--g, #7a4f8f)',
	'var(--h, #3d8aa0)',
	'var(--e, #8a8172)',
];
const [grid, text] = ['var(--line, #bbb)', 'var(--soft, #777)'];

const [WIDTH, HEIGHT] = [800, 360];
const margin = {top: 16, right: 24, bottom: 48, left: 72};

/** Points that a logarithm has no place for are left out. */
export function drawChart({label, x, y, curves, marks = []}: Chart): string {
	const lines = curves.map(({name, points: all}) => ({name, points: all.filter(isDrawn)}));
	const named = marks.filter(isDrawn);
	const points = [...lines.flatMap(line => line.points), ...named];
	if (points.length === 0) {
		return '';
	}

	const across = scale(
		points.map(point => point.x),
		margin.left,
		WIDTH - margin.right,
	);
	const up = scale(
		points.map(point => point.y),
		HEIGHT - margin.bottom,
		margin.top,
	);
	const bottom = HEIGHT - margin.bottom;
	return [
		`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="12" fill="${text}" aria-label="${escape(label)}">`,
		...across.ticks.map(
			tick =>
				`<line x1="${across.at(tick)}" x2="${across.at(tick)}" y1="${margin.top}" y2="${bottom}" stroke="${grid}"/><text x="${across.at(tick)}" y="${bottom + 18}" text-anchor="middle">${escape(x.format(tick))}</text>`,
		),
		...up.ticks.map(
			tick =>
				`<line x1="${margin.left}" x2="${WIDTH - margin.right}" y1="${up.at(tick)}" y2="${up.at(tick)}" stroke="${grid}"/><text x="${margin.left - 8}" y="${up.at(tick) + 4}" text-anchor="end">${escape(y.format(tick))}</text>`,
		),
		`<text x="${(margin.left + WIDTH - margin.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escape(x.title)}</text>`,
		`<text transform="translate(14 ${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(y.title)}</text>`,
		...lines.map(
			(line, index) =>
				`<polyline fill="none" stroke="${colorOf(index)}" stroke-width="2" points="${line.points.map(point => `${across.at(point.x)},${up.at(point.y)}`).join(' ')}"/>`,
		),
		...lines.flatMap(({name, points: all}, index) =>
			name === undefined
				? []
				: [
						...all.map(point => `<circle cx="${across.at(point.x)}" cy="${up.at(point.y)}" r="3" fill="${colorOf(index)}"/>`),
						`<text x="${WIDTH - margin.right - 8}" y="${margin.top + 16 * (index + 1)}" text-anchor="end" fill="${colorOf(index)}">${escape(name)}</text>`,
					],
		),
		...named.map(
			(point, index) =>
				`<circle cx="${across.at(point.x)}" cy="${up.at(point.y)}" r="5" fill="${colors[1]!}"/><text x="${across.at(point.x) + (index % 2 === 0 ? 9 : -9)}" y="${up.at(point.y) + (index % 2 === 0 ? -7 : 16)}" text-anchor="${index % 2 === 0 ? 'start' : 'end'}">${escape(point.name)}</text>`,
		),
		'</svg>',
	].join('\n');
}

const colorOf = (index: number): string => colors[index % colors.length]!;

const isDrawn = ({x, y}: ChartPoint): boolean => x > 0 && y > 0 && Number.isFinite(x) && Number.isFinite(y);

type Scale = {at(value: number): number; readonly ticks: readonly number[]};

/** Logarithmic, with round ticks. */
function scale(values: readonly number[], from: number, to: number): Scale {
	const [low, high] = [Math.min(...values) / 1.05, Math.max(...values) * 1.05];
	const at = (value: number): number => Number((from + ((to - from) * Math.log(value / low)) / Math.log(high / low)).toFixed(1));
	const decades = Array.from({length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1}, (_, index) => Math.floor(Math.log10(low)) + index);
	const within = (steps: readonly number[]): number[] =>
		decades.flatMap(decade => steps.map(step => Number((step * 10 ** decade).toPrecision(3)))).filter(tick => tick >= low && tick <= high);
	// The finest that leaves room for its labels.
	const ticks = [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1]].map(within).find(({length}) => length <= 9);
	return {
		at,
		ticks:
			ticks ??
			decades
				.filter((_, index) => index % Math.ceil(decades.length / 9) === 0)
				.map(decade => 10 ** decade)
				.filter(tick => tick >= low && tick <= high),
	};
}
