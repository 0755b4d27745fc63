/**
 * How the page starts its worker, best way first. This is the answer for the sources, which Node runs with tsx; builds put their own
 * in its place: the code of the worker as a text, and in `snug.js` the file itself.
 */
import type {WorkerStart} from './host-type.js';

/** tsx serves the main thread alone, so the worker registers it for itself. */
const register = JSON.stringify(import.meta.resolve('tsx/esm/api'));
const main = JSON.stringify(new URL('worker-main.ts', import.meta.url).href);
const code = `(await import(${register})).register(); await import(${main});`;

export const workerStarts: readonly WorkerStart[] = [{kind: 'code', code}];

/** The tokenizer module beside this file, where the bundle's is not to be used. */
export const ownTokenizer: URL | null = new URL('tokenizer/index.ts', import.meta.url);
