/** The script of the page that `snug bench` opens: measures the bundle under './model/' with the bundle's own loader. */
import {measure, type Measurement} from '../../compiler/bench/measure.js';
import type {Job} from '../../compiler/bench/job.js';
import type {load} from '../loader/index.js';

/** What a page answers: errors do not cross the protocol as objects. */
export type Answer =
	{readonly measurement: Measurement} | {readonly error: {readonly name: string; readonly code?: string; readonly detail?: unknown; readonly message: string}};

async function bench(job: Job): Promise<Answer> {
	try {
		const loader = (await import(new URL('model/snug.js', location.href).href)) as {load: typeof load};
		return {measurement: await measure(loader.load, './model/', job)};
	} catch (error) {
		const {name, code, detail, message} = error as Error & {readonly code?: string; readonly detail?: unknown};
		return {error: {name, message, ...(code !== undefined && {code}), ...(detail !== undefined && {detail})}};
	}
}

Object.assign(globalThis, {bench});
