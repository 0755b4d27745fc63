/**
 * A model file to its decoded message. Recognises what people hand over by mistake (a Git LFS pointer, another format, half a download)
 * and refuses models newer than the schema and the ops.
 */
import fs from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';
import type {Origin} from './external-data.js';
import {toNumber} from './int64.js';
import type {GraphProto, ModelProto, OperatorSetIdProto} from './messages.js';
import {decodeModel, IR_VERSION} from './schema.js';

/** A path, or the bytes of a model with the folder in which its external data lie. */
export type ModelSource = string | {readonly bytes: Uint8Array; readonly directory?: string};

export type ModelFile = {
	readonly model: ModelProto;
	readonly graph: GraphProto;
	readonly origin: Origin;
	/** How messages call the file. */
	readonly subject: string;
};

/** The newest opset of the default domain whose ops are known. */
export const NEWEST_OPSET = 24;

/** Protobuf messages end at 2 GiB, and so do Node's buffers read in one go. */
const LARGEST_FILE = 2 ** 31 - 1;

export function readModelFile(source: ModelSource): ModelFile {
	const subject = typeof source === 'string' ? source : 'the model';
	const bytes = typeof source === 'string' ? readBytes(source) : Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength);
	const origin: Origin =
		typeof source === 'string'
			? {file: source, directory: path.dirname(path.resolve(source))}
			: source.directory === undefined
				? {}
				: {directory: source.directory};
	const model = decode(bytes, subject);
	const version = toNumber(model.irVersion);
	if (version > IR_VERSION) {
		throw new SnugError('ir-version', {
			subject,
			problem: 'the model is of a newer ONNX IR version than this compiler knows',
			expected: `at most ${IR_VERSION}`,
			found: String(version),
			hint: 'export it with an older IR version, or update the compiler',
		});
	}

	if (!model.graph) {
		throw new SnugError('no-graph', {
			subject,
			problem: 'the file holds no graph',
			expected: 'an ONNX ModelProto with a graph',
			found: model.irVersion.low === 0 ? 'no IR version either' : `IR version ${version}`,
			hint: 'check that this is the model and not a tensor or its data',
		});
	}

	return {model, graph: model.graph, origin, subject};
}

function readBytes(file: string): Buffer {
	let size: number;
	try {
		const stats = fs.statSync(file);
		if (!stats.isFile()) {
			throw new SnugError('model-missing', {
				subject: file,
				problem: 'not a file',
				expected: 'an .onnx file',
				found: stats.isDirectory() ? 'a folder' : 'something else',
				hint: 'name the model.onnx inside it',
			});
		}

		size = stats.size;
	} catch (error) {
		if (error instanceof SnugError) {
			throw error;
		}

		throw new SnugError('model-missing', {
			subject: file,
			problem: 'the model file cannot be opened',
			found: error instanceof Error ? error.message : String(error),
		});
	}

	if (size > LARGEST_FILE) {
		throw new SnugError('model-too-large', {
			subject: file,
			problem: 'a protobuf file ends at 2 GiB',
			found: `${size} bytes`,
			hint: 'save the model with external data',
		});
	}

	return fs.readFileSync(file);
}

const foreign: ReadonlyArray<readonly [name: string, matches: (bytes: Buffer) => boolean, hint: string]> = [
	['a Git LFS pointer', bytes => bytes.toString('latin1', 0, 42) === 'version https://git-lfs.github.com/spec/v1', 'fetch the real file with git lfs pull'],
	['a web page', bytes => /^\s*<(!doctype|html)/i.test(bytes.toString('latin1', 0, 64)), 'the download answered with a page instead of the file'],
	['a zip archive', bytes => bytes.toString('latin1', 0, 4) === 'PK\u0003\u0004', 'unpack it first; a PyTorch checkpoint must be exported to ONNX'],
	['a gzip file', bytes => bytes[0] === 0x1f && bytes[1] === 0x8b, 'unpack it first'],
	['a GGUF model', bytes => bytes.toString('latin1', 0, 4) === 'GGUF', 'export the model to ONNX'],
	['an ONNX Runtime .ort model', bytes => bytes.toString('latin1', 4, 8) === 'ORTM', 'use the .onnx file that it was made from'],
	['a TensorFlow Lite model', bytes => bytes.toString('latin1', 4, 8) === 'TFL3', 'export the model to ONNX'],
	['a safetensors file', bytes => bytes.length > 9 && bytes[8] === 0x7b && bytes.readBigUInt64LE(0) < BigInt(bytes.length), 'export the model to ONNX'],
	['JSON', bytes => /^\s*[{[]\s*["{[]/.test(bytes.toString('latin1', 0, 64)), 'name the .onnx file'],
];

function decode(bytes: Buffer, subject: string): ModelProto {
	if (bytes.length === 0) {
		throw new SnugError('empty-file', {subject, problem: 'the file is empty', expected: 'an ONNX model', hint: 'the download or export may have failed'});
	}

	const other = foreign.find(([, matches]) => matches(bytes));
	if (other) {
		throw new SnugError('not-onnx', {subject, problem: 'the file is no ONNX model', expected: 'an ONNX protobuf', found: other[0], hint: other[2]});
	}

	try {
		return decodeModel(bytes);
	} catch (error) {
		const found = error instanceof Error ? error.message : String(error);
		// protobufjs says "index out of range" where a length runs past the end: the end is missing, or the lengths are no lengths.
		if (error instanceof RangeError && looksLikeModel(bytes)) {
			throw new SnugError(
				'truncated-file',
				{
					subject,
					problem: 'the file ends in the middle of the model',
					expected: `more than ${bytes.length} bytes`,
					found,
					hint: 'the download may be incomplete; fetch the file again',
				},
				{cause: error},
			);
		}

		throw new SnugError(
			'not-onnx',
			{subject, problem: 'the file is no ONNX model', expected: 'an ONNX protobuf', found, hint: 'check that this is the .onnx file'},
			{cause: error},
		);
	}
}

/** The first field is one of ModelProto's, with its wire type. Exporters write the IR version first. */
function looksLikeModel(bytes: Uint8Array): boolean {
	const field = bytes[0]! >> 3;
	const wire = bytes[0]! & 7;
	return (wire === 0 && (field === 1 || field === 5)) || (wire === 2 && [2, 3, 4, 6, 7, 8, 14].includes(field));
}

export type Opsets = ReadonlyMap<string, number>;

/** Versions by domain; the default domain is ''. */
export function readOpsets(imports: readonly OperatorSetIdProto[], subject: string): Opsets {
	const opsets = new Map(imports.map(({domain, version}) => [normalDomain(domain), toNumber(version)] as const));
	const version = opsets.get('') ?? 0;
	if (version > NEWEST_OPSET) {
		throw new SnugError('opset-version', {
			subject,
			problem: 'the model uses a newer opset than is supported',
			expected: `ai.onnx opset 1 to ${NEWEST_OPSET}`,
			found: `opset ${version}`,
			hint: `export it with opset ${NEWEST_OPSET} or less`,
		});
	}

	return opsets;
}

export const normalDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);
