/**
 * The messages between the page and the worker that owns the memory. Every call has an id; a call ends with `done` or `failed`.
 */
import {SnugError, type ErrorDetail} from '../../compiler/error.js';
import type {Bundle} from './manifest.js';
import type {TeamSetup} from './thread-start.js';
import type {Feed, FinishReason, GenerateOptions, Info, Message, Progress, RunOptions, Tensor, Usage} from './types.js';

export type LoadCall = {
	readonly kind: 'load';
	/** Of the manifest, absolute. */
	readonly url: string;
	readonly bundle: Bundle;
	readonly budget: number | null;
	readonly simd: 'auto' | 'relaxed' | 'plain';
	/** As many as there are cores where null. */
	readonly threads: number | null;
	/** Whether the page fetches for the worker. */
	readonly remote: boolean;
	/** The tokenizer module that comes with the loader, where the bundle's is not to be used. */
	readonly tokenizer: string | null;
};

/** What is cloned to the worker: options without functions and signals. */
export type Call =
	| LoadCall
	| {readonly kind: 'run'; readonly feeds: Readonly<Record<string, Feed>>; readonly options: Omit<RunOptions, 'signal'>}
	| {readonly kind: 'generate'; readonly prompt: Prompt; readonly options: Omit<GenerateOptions, 'signal'>}
	| {readonly kind: 'tokenize'; readonly text: string | readonly Message[]}
	| {readonly kind: 'detokenize'; readonly ids: readonly number[]}
	| {readonly kind: 'reset'};

/** Tokens come back as tokens, text and chats as text. */
export type Prompt = {readonly tokens: readonly number[]} | {readonly text: string | readonly Message[]};

/** What `done` carries, by call. */
export type Results = {
	readonly load: Info;
	readonly run: Record<string, Tensor>;
	readonly generate: {readonly reason: FinishReason; readonly usage: Usage};
	readonly tokenize: number[];
	readonly detokenize: string;
	readonly reset: null;
};

export type ToWorker =
	| {readonly kind: 'call'; readonly id: number; readonly call: Call}
	| {readonly kind: 'abort'; readonly id: number}
	| {readonly kind: 'answer'; readonly id: number; readonly bytes: ArrayBuffer | null}
	| {readonly kind: 'refusal'; readonly id: number; readonly error: Failure};

/** What the page does for the worker: it fetches a file, or starts the other threads, which answers nothing. */
export type PageRequest =
	{readonly kind: 'fetch'; readonly url: string; readonly bytes: number; readonly reload: boolean} | {readonly kind: 'threads'; readonly team: TeamSetup};

export type ToPage =
	/** The worker runs; sent once. */
	| {readonly kind: 'ready'}
	| {readonly kind: 'progress'; readonly progress: Progress}
	| {readonly kind: 'pieces'; readonly id: number; readonly pieces: ReadonlyArray<string | number>}
	| {readonly kind: 'done'; readonly id: number; readonly result: Results[keyof Results]}
	| {readonly kind: 'failed'; readonly id: number; readonly error: Failure}
	/** Is settled by an `answer` or a `refusal`. */
	| {readonly kind: 'request'; readonly id: number; readonly request: PageRequest};

/** An error as it crosses threads. */
export type Failure =
	| {readonly kind: 'snug'; readonly code: string; readonly detail: ErrorDetail}
	| {readonly kind: 'abort'}
	| {readonly kind: 'other'; readonly name: string; readonly message: string; readonly stack: string};

export function toFailure(error: unknown): Failure {
	if (error instanceof SnugError) {
		return {kind: 'snug', code: error.code, detail: error.detail};
	}

	if (isAbort(error)) {
		return {kind: 'abort'};
	}

	return error instanceof Error
		? {kind: 'other', name: error.name, message: error.message, stack: error.stack ?? ''}
		: {kind: 'other', name: 'Error', message: String(error), stack: ''};
}

export function fromFailure(failure: Failure): Error {
	switch (failure.kind) {
		case 'snug': {
			return new SnugError(failure.code, failure.detail);
		}

		case 'abort': {
			return abortError();
		}

		case 'other': {
			const error = new Error(failure.message);
			error.name = failure.name;
			error.stack = failure.stack;
			return error;
		}
	}
}

export const abortError = (): Error => new DOMException('The operation was aborted', 'AbortError');

export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
